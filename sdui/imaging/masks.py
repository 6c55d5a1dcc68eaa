"""Pictures and masks as the user gives them, made ready for img2img and inpainting."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sdui.core.errors import RequestError

Pixels = NDArray[np.uint8]


def read_picture(data: bytes, width: int, height: int) -> Pixels:
    """[height, width, 3]; what is transparent becomes white. Raises RequestError when it is no picture."""
    image = _opened(data, "Image").convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return np.asarray(flat.resize((width, height), Image.Resampling.LANCZOS))


def read_mask(data: bytes, width: int, height: int, blur: int) -> Pixels:
    """[height, width], 255 where to draw, with an edge softened by `blur` pixels' deviation. Raises RequestError."""
    softened = Image.fromarray(_blurred(np.asarray(_opened(data, "Mask").convert("L")), blur))
    return np.asarray(softened.resize((width, height), Image.Resampling.LANCZOS))


def mask_cells(mask: Pixels, columns: int, rows: int) -> NDArray[np.float32]:
    """[rows, columns] of 0 and 1: which latent cells are drawn."""
    small = Image.fromarray(mask).resize((columns, rows), Image.Resampling.BICUBIC)
    return np.around(np.asarray(small, dtype=np.float32) / 255).astype(np.float32)


def overlay(original: Pixels, drawn: Pixels, mask: Pixels) -> Pixels:
    """`drawn` where the mask is at least half, `original` where it is 0, mixed between; all of one size."""
    kept = Image.fromarray((255 - np.minimum(mask.astype(np.uint16) * 2, 255)).astype(np.uint8))
    # Through premultiplied colour and back, for the rounding that A1111's pictures have.
    layer = Image.new("RGBa", kept.size)
    layer.paste(Image.fromarray(original).convert("RGBA").convert("RGBa"), mask=kept)
    mixed = Image.alpha_composite(Image.fromarray(drawn).convert("RGBA"), layer.convert("RGBA"))
    return np.asarray(mixed.convert("RGB"))


def _opened(data: bytes, field: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(f"{field}: this is no picture that can be read.") from error
    return image


def _blurred(mask: Pixels, deviation: int) -> Pixels:
    """Gaussian blur cut off at 2.5 deviations, mirrored at the edges; equal to OpenCV's on 8-bit pictures."""
    if deviation == 0:
        return mask
    weights = _eighth_bit_gaussian(deviation)
    reach = len(weights) // 2
    blurred = mask
    for axis in (1, 0):
        padding = [(reach, reach) if axis == side else (0, 0) for side in (0, 1)]
        padded = np.pad(blurred.astype(np.int64), padding, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis)
        blurred = ((windows @ weights + 128) >> 8).astype(np.uint8)
    return blurred


def _eighth_bit_gaussian(deviation: int) -> NDArray[np.int64]:
    """Whole numbers that add up to 256; what rounding one loses, the next towards the middle gets."""
    reach = int(2.5 * deviation + 0.5)
    exact = np.exp(-((np.arange(-reach, reach + 1) / deviation) ** 2) / 2)
    exact *= 256 / exact.sum()
    rounded = np.zeros(2 * reach + 1, np.int64)
    lost = 0.0
    for i in range(reach):
        rounded[i] = rounded[-1 - i] = round(exact[i] + lost)
        lost += exact[i] - rounded[i]
    rounded[reach] = 256 - rounded.sum()
    return rounded
