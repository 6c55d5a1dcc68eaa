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
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from sdui.core import replay
from sdui.core.errors import OutputError, RequestError
from sdui.core.settings import Preferences

from . import png
from .foreign_infotext import translated
from .novelai import hidden_texts

Format = Literal["png", "jpg", "webp"]

_RECORD = "sdui"
"""The PNG chunk with the replay record."""
_READABLE = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
LARGEST_SIDE = {"jpg": 65500, "webp": 16383}
"""Pixels; what libjpeg and libwebp can write. PNG has no such limit."""
_LARGEST_EXIF = 65533
"""Bytes that one JPEG segment can hold."""
# What Pillow and piexif raise on damaged bytes, measured by mutating files.
_DAMAGED = (OSError, ValueError, RuntimeError, SyntaxError, LookupError, EOFError, TypeError, struct.error, zlib.error)


class Texts(NamedTuple):
    """What a file says in words."""

    infotext: str
    """In A1111's form; "" when there is none."""
    others: dict[str, str]
    """Every other text, by its name in the file."""
    program: str = ""
    """Another one, from whose own words the infotext was made."""
    remarks: tuple[str, ...] = ()
    """A sentence for each of those words that could not be used."""


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
    text = infotext.encode(errors="replace").decode()
    if format == "png":
        chunks = PngInfo()
        for name, value in (("parameters", text), (_RECORD, record)):
            if value:
                chunks.add_text(name, value)
        return png.encoded(pixels, chunks)
    image, target = Image.fromarray(pixels), BytesIO()
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
    """The infotext in a PNG, JPEG, WebP, AVIF or GIF file, also of other programs; "" when there is none.

    Raises RequestError when `data` is no such picture or a damaged one.
    """
    return read_texts(data).infotext


def read_texts(data: bytes) -> Texts:
    """All texts in such a file. Raises RequestError as `read_infotext` does."""
    with _opened(BytesIO(data)) as image:
        # PNG text may follow the pixels, and a damaged file is to be found out.
        image.load()
        info, size = cast("dict[str, Any]", image.info), image.size
        texts = {key: value for key, value in info.items() if isinstance(value, str)} | _exif_texts(
            info.get("exif", b"")
        )
        if infotext := _text(info):
            return Texts(infotext, _without(texts, infotext))
        hidden = {} if "Comment" in texts else hidden_texts(image)
    texts |= hidden
    if infotext := texts.get("parameters", ""):
        return Texts(infotext, _without(texts, infotext))
    found = translated(texts, size)
    return Texts(found.infotext, texts, found.program, found.remarks) if found else Texts("", texts)


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
        raise RequestError("This file is no PNG, JPEG, WebP, AVIF or GIF picture.") from error
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


def _exif_texts(exif: bytes) -> dict[str, str]:
    """Such as the camera's name. ComfyUI puts its chunks there in WebP, "prompt:{...}" as one of them."""
    texts: dict[str, str] = {}
    for tag, value in _exif_group(exif, "0th").items():
        if isinstance(value, bytes) and tag in ExifTags.TAGS:
            text = value.decode(errors="ignore").strip("\0 ")
            name, colon, graph = text.partition(":")
            own = colon and name in ("prompt", "workflow") and graph.startswith("{")
            texts[name if own else ExifTags.TAGS[tag]] = graph if own else text
    return texts


def _without(texts: dict[str, str], infotext: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text != infotext}


def _exif(text: str, record: str) -> bytes:
    tags: dict[int, bytes] = {}
    if text:
        tags[piexif.ExifIFD.UserComment] = cast("bytes", piexif.helper.UserComment.dump(text, encoding="unicode"))
    if record:
        tags[piexif.ExifIFD.MakerNote] = record.encode()
    return cast("bytes", piexif.dump({"Exif": tags}))


def _exif_text(exif: bytes, tag: int) -> str:
    """Empty when there is none or EXIF is damaged: a camera's broken EXIF does not make a picture unreadable."""
    comment = _exif_group(exif, "Exif").get(tag)
    if not isinstance(comment, bytes):
        return ""
    if tag != piexif.ExifIFD.UserComment:
        return comment.decode(errors="ignore")
    try:
        return cast("str", piexif.helper.UserComment.load(comment))
    except _DAMAGED:
        return comment.decode(errors="ignore")


def _exif_group(exif: bytes, name: str) -> dict[int, Any]:
    """Values by tag; empty where there are none or they are damaged."""
    body = exif.removeprefix(b"Exif\0\0")
    # piexif takes other bytes for the name of a file.
    if body[:2] not in (b"II", b"MM"):
        return {}
    try:
        return cast("dict[str, dict[int, Any]]", piexif.load(b"Exif\0\0" + body))[name]
    except _DAMAGED:
        return {}
