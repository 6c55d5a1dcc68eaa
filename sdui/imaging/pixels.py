"""Pictures as the user hands them in, as arrays and as Pillow's images."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sdui.core.errors import RequestError

Pixels = NDArray[np.uint8]
"""[height, width, 3] RGB or [height, width]; never to be written to."""


def opened(data: bytes, field: str) -> Image.Image:
    """An encoded picture, upright; RGBA where it has any transparency. Raises RequestError naming the field."""
    if not data:
        raise RequestError(f"{field}: choose a picture first.")
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
        image = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise RequestError(f"{field}: this picture has too many pixels to be opened.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise RequestError(f"{field}: this is no picture that can be read.") from error
    return image.convert("RGBA") if image.has_transparency_data else image


def flattened(image: Image.Image, background: str) -> Image.Image:
    """RGB; what is transparent shows the colour `background`, such as "#ffffff"."""
    if image.mode == "RGBA":
        canvas = Image.new("RGBA", image.size, background)
        canvas.paste(image, mask=image)
        image = canvas
    return image.convert("RGB")
