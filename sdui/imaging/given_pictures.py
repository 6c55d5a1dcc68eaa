"""Pictures that were made elsewhere: read with everything that is in the file, and written with it."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import Any, cast

import piexif
import piexif.helper
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from sdui.core.errors import OutputError, RequestError
from sdui.core.extras import Picture
from sdui.core.pairs import join
from sdui.core.settings import Preferences

from . import png
from .file_formats import LARGEST_SIDE, Format, read_infotext
from .pixels import opened

_INFOTEXT, _POSTPROCESSING = "parameters", "postprocessing"
_LARGEST_EXIF = 65533
"""Bytes that one JPEG segment can hold."""


def read_picture(data: bytes, name: str) -> Picture:
    """Upright and in 8 bits a channel, the first of an animation. Raises RequestError, with the file's name."""
    image = opened(data, name or "Image")
    with Image.open(io.BytesIO(data)) as file:
        file.load()
        info, mode = cast("dict[Any, Any]", file.info), file.mode
    texts = {str(key): value for key, value in info.items() if isinstance(value, str) and key != _INFOTEXT}
    exif = image.getexif()
    exif.pop(ExifTags.Base.Orientation, None)
    try:
        infotext = read_infotext(data)
    except RequestError:
        infotext = ""  # BMP and TIFF hold none.
    return Picture(
        image if image.mode == "RGBA" else image.convert("RGB"),
        PurePath(name).stem,
        infotext,
        texts,
        exif.tobytes() if exif else b"",
        # A profile of inks or of grey says nothing about the RGB that is written.
        cast("bytes", info.get("icc_profile") or b"") if mode in ("RGB", "RGBA", "P") else b"",
    )


def write_picture(picture: Picture, preferences: Preferences) -> tuple[bytes, Format, str]:
    """File bytes, their format and a warning; a picture that its format cannot hold becomes a PNG."""
    form = preferences.samples_format
    try:
        return _encoded(picture, form, preferences), form, ""
    except OutputError as error:
        return _encoded(picture, "png", preferences), "png", f"{error} It was saved as png."


def done_to(picture: Picture) -> str:
    """What was done, as pairs of an infotext."""
    return join(picture.info)


def _encoded(picture: Picture, form: Format, preferences: Preferences) -> bytes:
    """Raises OutputError."""
    image, target = picture.image, io.BytesIO()
    options: dict[str, Any] = {"icc_profile": picture.icc or None}
    if max(image.size) > LARGEST_SIDE.get(form, max(image.size)):
        raise OutputError(f"A {form} file is at most {LARGEST_SIDE[form]} pixels wide and high.")
    if form == "png":
        if preferences.enable_pnginfo:
            options |= {"pnginfo": _chunks(picture), "exif": picture.exif or None}
        image.save(target, "PNG", compress_type=png.STRATEGY, **options)
        return target.getvalue()
    if form == "jpg" and image.mode == "RGBA":
        raise OutputError("A jpg file cannot be transparent.")
    if preferences.enable_pnginfo:
        options["exif"] = _with_comment(picture)
        if form == "jpg" and len(options["exif"]) > _LARGEST_EXIF:
            raise OutputError("A jpg file cannot hold so much EXIF data.")
    options |= {"quality": preferences.jpeg_quality}
    if form == "webp":
        options |= {"lossless": preferences.webp_lossless}
    image.save(target, {"jpg": "JPEG", "webp": "WEBP"}[form], **options)
    return target.getvalue()


def _chunks(picture: Picture) -> PngInfo:
    chunks = PngInfo()
    own = {_INFOTEXT: picture.infotext, _POSTPROCESSING: done_to(picture)}
    for key, text in (picture.texts | {key: text for key, text in own.items() if text}).items():
        if 0 < len(key.encode("latin-1", "ignore")) < 80:
            chunks.add_text(key, text)
    return chunks


def _with_comment(picture: Picture) -> bytes:
    """The file's EXIF; its comment is the infotext with what was done at the end."""
    text = ", ".join(filter(None, (picture.infotext, done_to(picture))))
    groups: dict[str, Any] = {"Exif": {}}
    if picture.exif:
        groups = cast("dict[str, Any]", piexif.load(picture.exif))
        groups.pop("thumbnail", None)
    if text:
        groups["Exif"][piexif.ExifIFD.UserComment] = piexif.helper.UserComment.dump(text, encoding="unicode")
    return cast("bytes", piexif.dump(groups))
