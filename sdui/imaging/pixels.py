"""Pictures as the user hands them in, as arrays and as Pillow's images."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sdui.core.errors import RequestError

Pixels = NDArray[np.uint8]
"""[height, width, 3] RGB or [height, width]; never to be written to."""

_READABLE = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""Pillow knows more, some of which run other programs."""
# What Pillow raises on damaged bytes, measured by mutating files.
_DAMAGED = (OSError, ValueError, RuntimeError, SyntaxError, LookupError, EOFError, TypeError, struct.error, zlib.error)


def opened(data: bytes, field: str) -> Image.Image:
    """An encoded picture, upright; RGBA where it has any transparency. Raises RequestError naming the field."""
    if not data:
        raise RequestError(f"{field}: choose a picture first.")
    try:
        image = Image.open(io.BytesIO(data), formats=_READABLE)
        image.load()
        image = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise RequestError(f"{field}: this picture has too many pixels to be opened.") from error
    except Image.UnidentifiedImageError as error:
        raise RequestError(f"{field}: this is no PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF picture.") from error
    except _DAMAGED as error:
        raise RequestError(f"{field}: this picture is damaged: {error}.") from error
    if image.mode.startswith("I;16"):
        # Pillow would show everything above 255 as white.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        # What of it is white is not said in the file.
        raise RequestError(f"{field}: this picture has 32 bits a channel; save it with 8 or 16.")
    return image.convert("RGBA") if image.has_transparency_data else image


def flattened(image: Image.Image, background: str) -> Image.Image:
    """RGB; what is transparent shows the colour `background`, such as "#ffffff"."""
    if image.mode == "RGBA":
        canvas = Image.new("RGBA", image.size, background)
        canvas.paste(image, mask=image)
        image = canvas
    return image.convert("RGB")
