"""What other programs write into their pictures, as A1111's infotext."""

from __future__ import annotations

from typing import NamedTuple

from . import comfyui, novelai


class Translated(NamedTuple):
    program: str
    infotext: str
    """"" where nothing of it means anything here."""
    remarks: tuple[str, ...]
    """A sentence for everything that has no counterpart here."""


def translated(texts: dict[str, str], size: tuple[int, int]) -> Translated | None:
    """`texts` are those in a file, by name; size: its width and height in pixels. None where no program is known."""
    if found := novelai.read(texts, size):
        return Translated("NovelAI", *found)
    if found := comfyui.read(texts):
        return Translated("ComfyUI", *found)
    return None
