"""Pictures of model files: made small for their cards, and what a user hands over as a PNG to keep."""

from __future__ import annotations

import io

from PIL import Image

from sdui.core.errors import RequestError

from .pixels import opened

_SIDE = 384
"""Pixels of the shorter side: a card's on a screen with two pixels to a point."""
_PNG = b"\x89PNG\r\n\x1a\n"


def small(data: bytes) -> bytes:
    """As WebP, the first frame of several. Raises RequestError for what is no picture."""
    image = opened(data, "Preview")
    scale = _SIDE / min(image.size)
    if scale < 1:
        image.thumbnail((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    return _written(image, "WEBP", quality=85, method=2)


def as_png(data: bytes) -> bytes:
    """A PNG stays as it is, with what is written in it. Raises RequestError naming the field."""
    image = opened(data, "Preview")
    return data if data.startswith(_PNG) else _written(image, "PNG")


def _written(image: Image.Image, form: str, **how: int) -> bytes:
    """Raises RequestError for one that the format cannot hold."""
    file = io.BytesIO()
    image = image if image.mode == "RGBA" else image.convert("RGB")
    try:
        image.save(file, form, **how)
    except (OSError, ValueError) as error:
        raise RequestError(f"Preview: this picture cannot be made small: {error}.") from error
    return file.getvalue()
