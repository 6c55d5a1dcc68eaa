"""Masks: which part of a picture is drawn anew. 255 is drawn, 0 is kept."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sdui.core.stages import MASK_MODES, Inpaint

from .pixels import Pixels, opened

_HALF = 128


def is_rounded(inpaint: Inpaint) -> bool:
    """Soft inpainting is about the grey, so it keeps it."""
    return inpaint.mask_round and inpaint.soft is None


def read_mask(inpaint: Inpaint, size: tuple[int, int] | None = None) -> Image.Image:
    """Grey ("L"), inverted and blurred as asked; width x height is `size`, or its own. Raises RequestError naming it.

    A picture with transparency is masked where it is opaque, any other where it is bright.
    """
    mask = _drawn(opened(inpaint.mask, "Mask"), is_rounded(inpaint))
    if size:
        mask = mask.resize(size, Image.Resampling.LANCZOS)
    if inpaint.mask_mode == MASK_MODES[1]:
        mask = ImageOps.invert(mask)
    across, down = inpaint.mask_blur_x, inpaint.mask_blur_y
    pixels = _blurred(np.asarray(mask), inpaint.mask_blur if across is None else across, (1, 0))
    return Image.fromarray(_blurred(pixels, inpaint.mask_blur if down is None else down, (0, 1)))


def latent_cells(mask: Pixels, rows: int, columns: int, rounded: bool) -> NDArray[np.float32]:
    """[rows, columns] from 0, kept, to 1, drawn; `rounded` leaves nothing between."""
    small = Image.fromarray(mask).resize((columns, rows), Image.Resampling.BICUBIC)
    cells = np.asarray(small, np.float32) / np.float32(255)
    return np.around(cells, out=cells) if rounded else cells


def overlaid(drawn: Image.Image, original: Image.Image, mask: Image.Image) -> Image.Image:
    """`drawn` with `original` over it where the mask is 0, mixed where it is grey; all of one size."""
    # Through premultiplied colour and back, for the rounding that A1111's pictures have.
    layer = Image.new("RGBa", original.size)
    layer.paste(original.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    return Image.alpha_composite(drawn.convert("RGBA"), layer.convert("RGBA")).convert("RGB")


def _drawn(image: Image.Image, rounded: bool) -> Image.Image:
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    if alpha is None or alpha.getextrema() == (255, 255):
        return image.convert("L")
    return Image.fromarray(np.where(np.asarray(alpha) > _HALF, 255, 0).astype(np.uint8)) if rounded else alpha


def _blurred(mask: Pixels, deviation: int, axis: tuple[int, int]) -> Pixels:
    """Gaussian blur cut off at 2.5 deviations; axis: (1, 0) blurs across, (0, 1) down."""
    if deviation == 0:
        return mask
    length = 2 * int(2.5 * deviation + 0.5)
    return cv2.GaussianBlur(mask, (1 + axis[0] * length, 1 + axis[1] * length), deviation).astype(np.uint8)
