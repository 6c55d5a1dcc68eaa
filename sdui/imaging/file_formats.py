"""Pictures as file bytes with their infotext inside, and the infotext out of any picture."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any, Literal, cast

import numpy as np
import piexif
import piexif.helper
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core.errors import OutputError, RequestError
from sdui.core.settings import Preferences

Format = Literal["png", "jpg", "webp"]

_READABLE = ("PNG", "JPEG", "WEBP", "GIF")
_LARGEST_SIDE = {"jpg": 65500, "webp": 16383}
"""Pixels; what libjpeg and libwebp can write. PNG has no such limit."""
_LARGEST_EXIF = 65533
"""Bytes that one JPEG segment can hold."""
# What Pillow and piexif raise on damaged bytes, measured by mutating files.
_DAMAGED = (OSError, ValueError, SyntaxError, LookupError, EOFError, TypeError, struct.error, zlib.error)


def encode(pixels: NDArray[np.uint8], format: Format, infotext: str, preferences: Preferences) -> bytes:
    """File bytes of [height, width, 3] RGB pixels; `infotext` "" writes none.

    PNG: text chunk "parameters"; JPEG and WebP: EXIF UserComment, as A1111 writes them.
    Raises OutputError when the format cannot hold so large a picture or so long a text.
    """
    height, width = pixels.shape[:2]
    largest = _LARGEST_SIDE.get(format)
    if largest and max(height, width) > largest:
        raise OutputError(f"A {format} file is at most {largest} pixels wide and high, not {width}x{height}.")
    image, target = Image.fromarray(pixels), BytesIO()
    text = infotext.encode(errors="replace").decode()
    if format == "png":
        chunks = PngInfo()
        if text:
            chunks.add_text("parameters", text)
        image.save(target, "PNG", pnginfo=chunks)
        return target.getvalue()
    options: dict[str, Any] = {"quality": preferences.jpeg_quality}
    if text:
        options["exif"] = _exif(text)
    if format == "webp":
        image.save(target, "WEBP", lossless=preferences.webp_lossless, **options)
        return target.getvalue()
    if len(options.get("exif", b"")) > _LARGEST_EXIF:
        raise OutputError(f"A jpg file cannot hold an infotext of {len(text)} characters.")
    image.save(target, "JPEG", **options)
    return target.getvalue()


def read_infotext(data: bytes) -> str:
    """The infotext in a PNG, JPEG, WebP or GIF file; "" when there is none.

    Raises RequestError when `data` is no such picture or a damaged one.
    """
    try:
        with Image.open(BytesIO(data), formats=_READABLE) as image:
            # PNG text may follow the pixels, and a damaged file is to be found out.
            image.load()
            return _text(cast("dict[str, Any]", image.info))
    except (Image.DecompressionBombError, MemoryError) as error:
        raise RequestError("This picture has too many pixels to be opened.") from error
    except Image.UnidentifiedImageError as error:
        raise RequestError("This file is no PNG, JPEG, WebP or GIF picture.") from error
    except _DAMAGED as error:
        raise RequestError(f"This picture is damaged: {error}.") from error


def _text(info: dict[str, Any]) -> str:
    """Where A1111 and its like put the text: PNG chunk, EXIF comment, GIF comment."""
    if parameters := info.get("parameters"):
        return str(parameters)
    if exif := info.get("exif"):
        return _user_comment(exif)
    comment = cast("str | bytes", info.get("comment", ""))
    return comment if isinstance(comment, str) else comment.decode(errors="ignore")


def _exif(text: str) -> bytes:
    comment = cast("bytes", piexif.helper.UserComment.dump(text, encoding="unicode"))
    return cast("bytes", piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}))


def _user_comment(exif: bytes) -> str:
    """Empty when there is none or EXIF is damaged: a camera's broken EXIF does not make a picture unreadable."""
    body = exif.removeprefix(b"Exif\0\0")
    # piexif takes other bytes for the name of a file.
    if body[:2] not in (b"II", b"MM"):
        return ""
    try:
        comment = _piexif_comment(b"Exif\0\0" + body)
    except _DAMAGED:
        return ""
    try:
        return cast("str", piexif.helper.UserComment.load(comment))
    except _DAMAGED:
        return comment.decode(errors="ignore")


def _piexif_comment(exif: bytes) -> bytes:
    groups = cast("dict[str, dict[int, Any]]", piexif.load(exif))
    comment = groups["Exif"].get(piexif.ExifIFD.UserComment)
    return comment if isinstance(comment, bytes) else b""
