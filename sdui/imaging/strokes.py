"""Strokes that were painted over a picture, in layers, each an encoded picture: as a mask, and as a part of it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from sdui.core.errors import RequestError

from .pixels import opened

_LOST = (
    "{field}: what was painted is {across}x{down}, the picture {width}x{height}. Undo has taken the picture away: redo "
    "it, or choose it again."
)


def stroke_mask(layers: Sequence[bytes], size: tuple[int, int], field: str) -> Image.Image:
    """Grey ("L"): 255 wherever a layer has any colour, else 0.

    Raises RequestError naming the field for layers of another size.
    """
    mask = Image.new("L", size)
    for layer in _opened(layers, size, field):
        mask = ImageChops.lighter(mask, layer.getchannel("A").point([0, *[255] * 255]))
    return mask


def painted(picture: Image.Image, layers: Sequence[bytes], field: str) -> Image.Image:
    """RGB or RGBA as the picture is, whose pixels stay as they are where no layer has colour. Raises RequestError."""
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    canvas = picture.convert("RGBA")
    for layer in _opened(layers, picture.size, field):
        canvas = Image.alpha_composite(canvas, layer)
    return canvas.convert(mode)


def seen_through(
    picture: Image.Image, layers: Sequence[bytes], transparency: float, blur: int, field: str
) -> tuple[Image.Image, Image.Image]:
    """What inpainting starts from when strokes are a sketch and a mask, and that mask; as A1111 mixes them.

    transparency: 0..100, of the strokes and, by as much, of the mask. blur: of their edges, in pixels. Raises
    RequestError.
    """
    sketch = painted(picture, layers, field)
    mask = stroke_mask(layers, picture.size, field)
    mask = ImageEnhance.Brightness(mask).enhance(1 - transparency / 100)
    soft = ImageFilter.GaussianBlur(blur)
    return Image.composite(sketch.filter(soft), picture.convert(sketch.mode), mask.filter(soft)), mask


def png(image: Image.Image) -> bytes:
    """Packed lightly: it goes to the engine, not onto a disk."""
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    return data.getvalue()


def _opened(layers: Sequence[bytes], size: tuple[int, int], field: str) -> list[Image.Image]:
    """RGBA. Empty ones, which the page sends of another size while nothing was chosen, are left out."""
    found = [opened(layer, field).convert("RGBA") for layer in layers]
    found = [layer for layer in found if np.asarray(layer.getchannel("A")).any()]
    for layer in found:
        if layer.size != size:
            across, down = layer.size
            width, height = size
            raise RequestError(_LOST.format(field=field, across=across, down=down, width=width, height=height))
    return found
