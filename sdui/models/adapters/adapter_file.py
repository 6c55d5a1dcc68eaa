"""One adapter file: the tensors of each layer's change, under the names that the file gives the layers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models.header import read_header
from sdui.models.weights import Weights

from .keys import BUNDLED, parse_key
from .parts import Parts

_SHORT = 12
"""Hex digits in an infotext."""


@dataclass(frozen=True, slots=True)
class AdapterFile:
    layers: Mapping[str, Parts]
    embeddings: Mapping[str, Tensor]
    """Of textual inversion, by their full keys."""


def read_adapter(path: Path, device: torch.device) -> AdapterFile:
    """In float32 on the device; numbers and flags may be of other types. Raises ModelFileError, naming the file."""
    layers: dict[str, dict[str, Tensor]] = {}
    embeddings: dict[str, Tensor] = {}
    for name, tensor in Weights(path).read("", device, torch.float32).items():
        if name.startswith(BUNDLED):
            embeddings[name] = tensor
        elif key := parse_key(name):
            layers.setdefault(key.layer, {})[key.part] = tensor
    if not layers and not embeddings:
        raise ModelFileError(f"{path} is no LoRA: it has no tensors of any kind that sdui knows.")
    return AdapterFile(layers, embeddings)


def short_hash(path: Path) -> str:
    """12 hex digits as A1111 writes them: what the metadata say, else of all that follows the header.

    Of files without a header it is the SHA-256 of the whole file. Raises ModelFileError.
    """
    start = 0
    if path.suffix.lower() == ".safetensors":
        if given := read_header(path).metadata.get("sshs_model_hash"):
            return given[:_SHORT]
        with path.open("rb") as file:
            start = 8 + int.from_bytes(file.read(8), "little")
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.file_digest(file, "sha256").hexdigest()[:_SHORT]
