"""What a model file says of itself: names, shapes and types of its tensors, and metadata; no weights are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .contents import Contents, Place, Shape
from .diffusers_folder import read_folder
from .tensor_files import read_tensor_file

_OLD_TEXT = "cond_stage_model.transformer."
_OLD_PARTS = ("embeddings.", "encoder.", "final_layer_norm.")
_TURBO = "conditioner.embedders.0."


@dataclass(frozen=True, slots=True)
class Header:
    """All by the tensors' names in the single-file layout, also for folders."""

    shapes: Mapping[str, Shape]
    metadata: Mapping[str, str]
    dtypes: Mapping[str, str]
    """By the names of safetensors: "F16"."""


def read_header(path: Path) -> Header:
    """Of a file or a folder of diffusers. Raises ModelFileError, naming the file and saying what is wrong with it."""
    return header_of(read_contents(path))


def header_of(contents: Contents) -> Header:
    places = contents.places
    return Header(
        {name: place.shape for name, place in places.items()},
        contents.metadata,
        {name: place.dtype for name, place in places.items()},
    )


def read_contents(path: Path) -> Contents:
    """Raises ModelFileError, naming the file and saying what is wrong with it."""
    contents = read_folder(path) if path.is_dir() else read_tensor_file(path)
    return replace(contents, places={_usual_name(name, contents.places): at for name, at in contents.places.items()})


def _usual_name(name: str, places: Mapping[str, Place]) -> str:
    """Of a tensor for which some checkpoints use another: early ones of 1.x, and 2.1 Turbo, named as SDXL's are."""
    if name.startswith(_OLD_TEXT):
        rest = name.removeprefix(_OLD_TEXT)
        return f"{_OLD_TEXT}text_model.{rest}" if rest.startswith(_OLD_PARTS) else name
    if name.startswith(_TURBO):
        norm = places.get(f"{_TURBO}model.ln_final.weight")
        if norm is not None and norm.shape == (1024,):
            return f"cond_stage_model.{name.removeprefix(_TURBO)}"
    return name
