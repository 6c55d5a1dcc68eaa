"""PNG files, written quickly: what the rest of the program waits for at every picture."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngInfo, putchunk

STRATEGY = cv2.IMWRITE_PNG_STRATEGY_RLE
"""zlib's Z_RLE: with one filter ten times as fast as Pillow's default; smaller files with grain, larger smooth ones."""
_HOW = (
    *(cv2.IMWRITE_PNG_STRATEGY, STRATEGY),
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    # One filter for all lines: trying five on each, as libpng does by itself, takes most of the time.
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
)
_HEADER = 33
"""Bytes of the signature and the chunk IHDR, after which texts may stand (PNG specification, section 5.6)."""


def encoded(pixels: NDArray[np.uint8], texts: PngInfo) -> bytes:
    """[height, width, 3 or 4], RGB or RGBA."""
    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    _, data = cv2.imencode(".png", cv2.cvtColor(pixels, order), _HOW)
    picture, chunks = data.tobytes(), BytesIO()
    for name, value, *_ in texts.chunks:
        putchunk(chunks, name, value)
    return picture[:_HEADER] + chunks.getvalue() + picture[_HEADER:]
