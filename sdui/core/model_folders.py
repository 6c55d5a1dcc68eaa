"""Where model files are looked for: the folders' names in A1111, Forge and ComfyUI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .catalog import ModelKind
from .errors import LaunchError

_NAMES: dict[ModelKind, tuple[str, ...]] = {
    "checkpoint": ("Stable-diffusion", "checkpoints"),
    "vae": ("VAE", "vae"),
    "taesd": ("VAE-taesd", "VAE-approx", "vae_approx"),
    "lora": ("Lora", "LyCORIS", "loras"),
    "embedding": ("embeddings",),
    "hypernetwork": ("hypernetworks",),
    "upscaler": ("ESRGAN", "RealESRGAN", "SwinIR", "ScuNET", "DAT", "HAT", "Swin2SR", "BSRGAN", "upscale_models"),
    "ldsr": ("LDSR",),
    "detector": ("detectors", "adetailer", "ultralytics", "yolo"),
    "describer": ("interrogate", "BLIP", "torch_deepdanbooru", "wd-tagger", "clip_vision"),
    "face_restorer": ("GFPGAN", "Codeformer", "facerestore_models"),
}
"""In the models folder. Where none of a kind's exists yet, the first, A1111's, is where users are told to put files.

Where two folders hold a file of the same name, the later one's is used (A1111's rule for LoRAs).
"""
_PROGRAMS = ("Stable-diffusion", "checkpoints")
"""A folder of models has one of these; a program's own folder has it in models/."""


def model_folders(models: Path, data: Path, given: Mapping[ModelKind, Sequence[Path]]) -> dict[ModelKind, list[Path]]:
    """All folders of each kind, absolute, none of them twice; `given` are the user's own, which come last.

    A1111 has the embeddings in the data folder, beside the models folder; ComfyUI has them in it. A1111 has the words
    that interrogators rank beside the models folder.
    """
    found: dict[ModelKind, list[Path]] = {}
    for kind, names in _NAMES.items():
        places = [models / name for name in names]
        if kind == "embedding":
            places = [data / names[0], models.parent / names[0], *places]
        if kind == "describer":
            places.append(models.parent / names[0])
        there = [place for place in places if place.is_dir()] or places[:1]
        found[kind] = _different(path.resolve() for path in (*there, *given.get(kind, ())))
    return found


def _different(folders: Iterable[Path]) -> list[Path]:
    """Without repeats, also where upper and lower case are one: there "VAE" is the same folder as "vae"."""
    kept: list[Path] = []
    for folder in folders:
        if not any(folder == other or _same(folder, other) for other in kept):
            kept.append(folder)
    return kept


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False


def require_folder(option: str, folder: Path) -> None:
    """Raises LaunchError. The models folder may be new, and then is made."""
    new = option == "--models-dir"
    if folder.is_file():
        raise LaunchError(f"{option} {folder}: it is a file; give the folder that it is in, {folder.parent}.")
    if not folder.is_dir() and not new:
        raise LaunchError(f"{option} {folder}: there is no such folder.")
    if new and not any((folder / name).is_dir() for name in _PROGRAMS):
        inner = folder / "models"
        if any((inner / name).is_dir() for name in _PROGRAMS):
            raise LaunchError(f"{option} {folder}: the models are one folder further in; give {inner}.")
