"""Pictures as file bytes with their infotext and replay record inside, and both out of any picture."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import numpy as np
import piexif
import piexif.helper
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core import replay
from sdui.core.errors import OutputError, RequestError
from sdui.core.settings import Preferences

Format = Literal["png", "jpg", "webp"]

_RECORD = "sdui"
"""The PNG chunk with the replay record."""
_READABLE = ("PNG", "JPEG", "WEBP", "GIF")
LARGEST_SIDE = {"jpg": 65500, "webp": 16383}
"""Pixels; what libjpeg and libwebp can write. PNG has no such limit."""
_LARGEST_EXIF = 65533
"""Bytes that one JPEG segment can hold."""
# What Pillow and piexif raise on damaged bytes, measured by mutating files.
_DAMAGED = (OSError, ValueError, SyntaxError, LookupError, EOFError, TypeError, struct.error, zlib.error)


class Contents(NamedTuple):
    """What a file holds."""

    pixels: NDArray[np.uint8]
    """[height, width, 3], RGB; transparency is left out."""
    exact: bool
    """Whether the format keeps the pixels as they were drawn."""
    infotext: str
    record: replay.Record | None


def encode(
    pixels: NDArray[np.uint8], format: Format, infotext: str, preferences: Preferences, record: str = ""
) -> bytes:
    """File bytes of [height, width, 3] RGB pixels; `infotext` and `record`, a replay record's JSON, are left out if "".

    PNG: text chunks "parameters" and "sdui"; JPEG and WebP: EXIF UserComment, as A1111 writes it, and MakerNote.
    Raises OutputError when the format cannot hold so large a picture or so long an infotext.
    """
    height, width = pixels.shape[:2]
    largest = LARGEST_SIDE.get(format)
    if largest and max(height, width) > largest:
        raise OutputError(f"A {format} file is at most {largest} pixels wide and high, not {width}x{height}.")
    image, target = Image.fromarray(pixels), BytesIO()
    text = infotext.encode(errors="replace").decode()
    if format == "png":
        chunks = PngInfo()
        for name, value in (("parameters", text), (_RECORD, record)):
            if value:
                chunks.add_text(name, value)
        image.save(target, "PNG", pnginfo=chunks)
        return target.getvalue()
    options: dict[str, Any] = {"quality": preferences.jpeg_quality}
    if text or record:
        options["exif"] = _exif(text, record)
    if format == "webp":
        image.save(target, "WEBP", lossless=preferences.webp_lossless, **options)
        return target.getvalue()
    if len(options.get("exif", b"")) > _LARGEST_EXIF:
        if record:
            return encode(pixels, format, infotext, preferences)
        raise OutputError(f"A jpg file cannot hold an infotext of {len(text)} characters.")
    image.save(target, "JPEG", **options)
    return target.getvalue()


def read_infotext(data: bytes) -> str:
    """The infotext in a PNG, JPEG, WebP or GIF file; "" when there is none.

    Raises RequestError when `data` is no such picture or a damaged one.
    """
    with _opened(BytesIO(data)) as image:
        # PNG text may follow the pixels, and a damaged file is to be found out.
        image.load()
        return _text(cast("dict[str, Any]", image.info))


class Glance(NamedTuple):
    infotext: str
    width: int
    height: int
    """Pixels."""


def glance(path: Path) -> Glance:
    """What the beginning of such a file tells, quickly; the pixels are read only to look for text behind them.

    Raises RequestError as `read_infotext` does, and OSError when there is no such file.
    """
    with path.open("rb") as file, _opened(file) as image:
        width, height = image.size
        text = _text(cast("dict[str, Any]", image.info))
        if not text and image.format == "PNG":
            image.load()
            text = _text(cast("dict[str, Any]", image.info))
        return Glance(text, width, height)


def read(data: bytes) -> Contents:
    """The pixels of such a file, its infotext and its replay record. Raises RequestError as `read_infotext` does."""
    with _opened(BytesIO(data)) as image:
        image.load()
        info = cast("dict[str, Any]", image.info)
        record = str(info.get(_RECORD, "")) or _exif_text(info.get("exif", b""), piexif.ExifIFD.MakerNote)
        return Contents(np.array(image.convert("RGB")), image.format == "PNG", _text(info), replay.read(record))


@contextmanager
def _opened(file: IO[bytes]) -> Generator[Image.Image]:
    """Raises RequestError, also for what turns out to be damaged while the picture is read."""
    try:
        with Image.open(file, formats=_READABLE) as image:
            yield image
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
        return _exif_text(exif, piexif.ExifIFD.UserComment)
    comment = cast("str | bytes", info.get("comment", ""))
    return comment if isinstance(comment, str) else comment.decode(errors="ignore")


def _exif(text: str, record: str) -> bytes:
    tags: dict[int, bytes] = {}
    if text:
        tags[piexif.ExifIFD.UserComment] = cast("bytes", piexif.helper.UserComment.dump(text, encoding="unicode"))
    if record:
        tags[piexif.ExifIFD.MakerNote] = record.encode()
    return cast("bytes", piexif.dump({"Exif": tags}))


def _exif_text(exif: bytes, tag: int) -> str:
    """Empty when there is none or EXIF is damaged: a camera's broken EXIF does not make a picture unreadable."""
    body = exif.removeprefix(b"Exif\0\0")
    # piexif takes other bytes for the name of a file.
    if body[:2] not in (b"II", b"MM"):
        return ""
    try:
        comment = _piexif_bytes(b"Exif\0\0" + body, tag)
    except _DAMAGED:
        return ""
    if tag != piexif.ExifIFD.UserComment:
        return comment.decode(errors="ignore")
    try:
        return cast("str", piexif.helper.UserComment.load(comment))
    except _DAMAGED:
        return comment.decode(errors="ignore")


def _piexif_bytes(exif: bytes, tag: int) -> bytes:
    groups = cast("dict[str, dict[int, Any]]", piexif.load(exif))
    comment = groups["Exif"].get(tag)
    return comment if isinstance(comment, bytes) else b""
