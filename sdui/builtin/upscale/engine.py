"""Enlarges by one upscaler, or mixes what two of them make; what is transparent stays so."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from sdui.core.errors import RequestError
from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import Upscale

_NONE = "None"
_LARGEST = 30000
"""Pixels of a side."""
_MOST = 2**28
"""Pixels of a picture: 16384 by 16384."""


class _Target(NamedTuple):
    scale: float
    crop: tuple[int, int] | None
    """Width and height to cut out of the middle."""
    told: dict[str, str]


@hook
def process(picture: Picture, values: Group, drawing: Drawing) -> bool | None:
    if not isinstance(values, Upscale):
        return None
    target = _target(picture.image.size, values)
    picture.target = _sides(picture.image.size, values)
    if values.upscaler == _NONE:
        return True
    made = _upscaled(picture.image, target, values.upscaler, drawing)
    picture.info |= target.told | {"Postprocess upscaler": values.upscaler}
    if values.second != _NONE and values.visibility > 0:
        made = Image.blend(made, _upscaled(picture.image, target, values.second, drawing), values.visibility)
        picture.info["Postprocess upscaler 2"] = values.second
    if target.crop:
        made = _cut(made, target.crop)
        picture.info["Postprocess crop to"] = f"{made.width}x{made.height}"
    if drawing.context.preferences.use_upscaler_name_as_suffix:
        picture.suffix += f"-{values.upscaler}"
    picture.image = made
    return True


def _sides(size: tuple[int, int], values: Upscale) -> tuple[int, int]:
    """What crops for training aim at."""
    if values.mode == "Scale to":
        return values.width, values.height
    return int(size[0] * values.scale), int(size[1] * values.scale)


def _target(size: tuple[int, int], values: Upscale) -> _Target:
    """Raises RequestError for a picture that would be too large."""
    if values.mode == "Scale to":
        wanted = values.width, values.height
        told = {"Postprocess upscale to": f"{values.width}x{values.height}"}
        scale = max(wanted[0] / size[0], wanted[1] / size[1])
        _require_possible(size, scale)
        return _Target(scale, wanted if values.crop else None, told)
    scale, told = values.scale, {"Postprocess upscale by": f"{values.scale:g}"}
    if values.max_side_length and max(size) * scale > values.max_side_length:
        scale, told = values.max_side_length / max(size), told | {"Max side length": str(values.max_side_length)}
    if max(size) * scale > _LARGEST:
        raise RequestError(f"Resize: {max(size) * scale:.0f} pixels are too many for a side, at most {_LARGEST}.")
    _require_possible(size, scale)
    return _Target(scale, None, told)


def _require_possible(size: tuple[int, int], scale: float) -> None:
    if (pixels := size[0] * size[1] * scale**2) > _MOST:
        raise RequestError(f"Resize: {pixels / 1e6:.0f} megapixels are too many, at most {_MOST // 10**6}.")


def _upscaled(image: Image.Image, target: _Target, upscaler: str, drawing: Drawing) -> Image.Image:
    made = drawing.upscaled(image.convert("RGB"), target.scale, upscaler)
    if image.mode == "RGBA":
        made = made.convert("RGBA")
        made.putalpha(image.getchannel("A").resize(made.size, Image.Resampling.LANCZOS))
    return made


def _cut(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    canvas = Image.new(image.mode, size)
    canvas.paste(image, (size[0] // 2 - image.width // 2, size[1] // 2 - image.height // 2))
    return canvas
