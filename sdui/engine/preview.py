"""The picture of an unfinished batch that the page shows while it forms."""

from __future__ import annotations

import io

from PIL import Image
from torch import Tensor

_LONGEST = 16384
"""Pixels of a side; JPEG takes four times as many, browsers and graphics cards often do not."""


def preview_jpeg(images: Tensor, width: int) -> bytes:
    """[B,3,h,w] in 0..1 -> a JPEG with the batch side by side, each picture `width` pixels wide where that fits."""
    strip = images.permute(2, 0, 3, 1).flatten(1, 2)
    pixels = (strip * 255).byte().cpu().numpy()
    count, rows, columns = len(images), *images.shape[2:]
    width = max(1, min(width, _LONGEST // count, _LONGEST * columns // rows))
    height = max(1, min(round(width * rows / columns), _LONGEST))
    encoded = io.BytesIO()
    Image.fromarray(pixels).resize((width * count, height), Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=85)
    return encoded.getvalue()
