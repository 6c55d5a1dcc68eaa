"""What A1111 calls an upscaler's file, and which of its tile settings count for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from sdui.models.files import ModelFile

Settings = Literal["ESRGAN", "SWIN", "SCUNET", "DAT"]

_NAMES = {
    "realesrgan_x4plus": "R-ESRGAN 4x+",
    "realesrgan_x4plus_anime_6b": "R-ESRGAN 4x+ Anime6B",
    "realesrgan_x2plus": "R-ESRGAN 2x+",
    "realesr-animevideov3": "R-ESRGAN AnimeVideo",
    "realesr-general-x4v3": "R-ESRGAN General 4xV3",
    "realesr-general-wdn-x4v3": "R-ESRGAN General WDN 4xV3",
    "esrgan": "ESRGAN_4x",
    "dat_x2": "DAT x2",
    "dat_x3": "DAT x3",
    "dat_x4": "DAT x4",
    "scunet": "ScuNET GAN",
    "scunet_color_real_gan": "ScuNET GAN",
    "scunet_color_real_psnr": "ScuNET PSNR",
    "swinir_4x": "SwinIR 4x",
    "003_realsr_bsrgan_dfowmfc_s64w8_swinir-l_x4_gan": "SwinIR 4x",
}
"""By file name without ending, in lower case; others are called like their file."""
_SETTINGS: dict[str, Settings] = {"swin": "SWIN", "hat": "SWIN", "scunet": "SCUNET", "dat": "DAT"}
"""By what the file's name or folder begins with."""


class Named(NamedTuple):
    name: str
    path: Path
    settings: Settings


def named(files: Iterable[ModelFile]) -> list[Named]:
    """In the order of the files; of two with one name, the later has its folder's name behind it."""
    found: dict[str, Named] = {}
    for file in files:
        name = _NAMES.get(file.path.stem.casefold(), file.path.stem)
        if name in found:
            name = f"{name} ({file.path.parent.name}/{file.path.name})"
        found[name] = Named(name, file.path, _settings(file.path))
    return list(found.values())


def _settings(path: Path) -> Settings:
    texts = (path.stem.casefold(), path.parent.name.casefold())
    found: list[Settings] = [kind for begin, kind in _SETTINGS.items() if any(begin in text for text in texts)]
    found.append("ESRGAN")
    return found[0]
