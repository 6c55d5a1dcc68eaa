"""Hashes of pictures that do not depend on how their pixels are stored."""

from __future__ import annotations

import hashlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def of_pixels(pixels: NDArray[np.uint8]) -> str:
    """SHA-256, 64 hexadecimal digits, of "WIDTHxHEIGHT" and the bytes of [height, width, channels], row by row."""
    height, width, _ = pixels.shape
    return hashlib.sha256(f"{width}x{height}".encode() + pixels.tobytes()).hexdigest()


def of_picture(data: bytes) -> str:
    """The same of an encoded picture's RGBA pixels; "" for no bytes. Raises what Pillow raises."""
    if not data:
        return ""
    with Image.open(BytesIO(data)) as image:
        return of_pixels(np.asarray(image.convert("RGBA")))
