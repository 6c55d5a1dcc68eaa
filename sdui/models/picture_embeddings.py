"""Embeddings that A1111 puts into pictures, so that they can be shared where only pictures can be.

A PNG has one as JSON in its text `sd-ti-embedding`, in base64. Because sites remove such texts it is in the pixels as
well: left and right of the picture, set apart by a column whose low four bits are zero, are two blocks of bytes. The
low four bits of those, without a pseudorandom mask, are the low and the high halves of the JSON as zlib packs it.
"""

from __future__ import annotations

import base64
import binascii
import json
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sdui.core.errors import ModelFileError

PICTURES = (".png", ".webp", ".jxl", ".avif")
_TEXT = "sd-ti-embedding"
_TENSOR = "TORCHTENSOR"
_LONGEST = 64 * 2**20
"""Bytes of JSON."""
_MULTIPLIER, _INCREMENT, _RANGE = 1664525, 1013904223, 255
"""Of the generator whose values modulo 255 are the mask; it counts modulo 2**32 and begins at 0."""


@dataclass(frozen=True, slots=True)
class Carried:
    name: str
    """"" where the picture does not say it."""
    tensors: Mapping[str, Tensor]
    """Under their names in the JSON, inner ones as `outer.inner`; float32."""


def embedding_in_picture(path: Path) -> Carried | None:
    """None where there is none, or no picture that can be opened. Raises ModelFileError for a damaged one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                opened.load()
                text, pixels = opened.info.get(_TEXT), opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    try:
        if isinstance(text, str):
            return _carried(base64.b64decode(text))
        hidden = _hidden(np.asarray(pixels))
        return _carried(hidden) if hidden else None
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: the embedding in it cannot be read ({error}).") from error


def _carried(text: bytes) -> Carried:
    """Raises ValueError, TypeError or AttributeError."""
    data: dict[str, Any] = json.loads(text)
    tensors: dict[str, Tensor] = {}
    for outer, value in data.items():
        inner = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        for name, one in {outer: inner, **{f"{outer}.{name}": one for name, one in inner.items()}}.items():
            if isinstance(one, dict) and _TENSOR in one:
                numbers = np.asarray(cast("dict[str, Any]", one)[_TENSOR], dtype=np.float32)
                tensors[name] = torch.from_numpy(numbers)
    return Carried(str(data.get("name", "")), tensors)


def _hidden(pixels: NDArray[np.uint8]) -> bytes | None:
    """The JSON in the pixels [H,W,3], or None where there is nothing of the kind."""
    low = _without_border(pixels) & 0x0F
    (dividers,) = np.nonzero(~low.any(axis=(0, 2)))
    if len(dividers) < 2:
        return None
    first, second = low[:, : dividers[0]], low[:, dividers[-1] + 1 :]
    if first.shape != second.shape or not first.size:
        return None
    mask = _mask(first.size).reshape(first.shape)
    unpacking = zlib.decompressobj()
    try:
        return unpacking.decompress(((second ^ mask) << 4 | (first ^ mask)).tobytes(), _LONGEST)
    except zlib.error:
        return None


def _without_border(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """From the first to the last row and column that has a pixel with no channel at zero."""
    seen = pixels.all(axis=2)
    (rows,), (columns,) = np.nonzero(seen.T.any(axis=0)), np.nonzero(seen.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels


def _mask(count: int) -> NDArray[np.uint8]:
    """The generator's n-th state is its increment times the sum of the first n powers of its multiplier."""
    powers = np.full(count, _MULTIPLIER, dtype=np.uint32)
    powers[0] = 1
    states = np.cumsum(np.cumprod(powers, dtype=np.uint32), dtype=np.uint32) * np.uint32(_INCREMENT)
    return (states % _RANGE & 0x0F).astype(np.uint8)
