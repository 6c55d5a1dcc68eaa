"""Infotext in pictures: written as A1111 writes it, read back from every format, never a crash."""

from __future__ import annotations

import gzip
import io
import zlib

import numpy as np
import piexif
import piexif.helper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core.errors import OutputError, RequestError
from sdui.core.replay import Record
from sdui.core.settings import Preferences
from sdui.imaging.file_formats import encode, read, read_infotext, read_texts

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
@given(text=TEXTS)
def test_any_text_comes_back(format, text):
    assert read_infotext(encode(PIXELS, format, text, Preferences())) == text


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_no_text_is_written_when_there_is_none(format):
    data = encode(PIXELS, format, "", Preferences())
    assert read_infotext(data) == ""
    assert not {"exif", "parameters"} & set(opened(data).info)


def test_png_has_the_pixels_and_one_parameters_chunk():
    data = encode(PIXELS, "png", "a cat\nSteps: 20", Preferences())
    assert np.array_equal(np.asarray(opened(data)), PIXELS)
    assert opened(data).text == {"parameters": "a cat\nSteps: 20"}
    assert b"tEXtparameters\0a cat\nSteps: 20" in data


RECORD = Record(torch="2.13.0", device='a "GPU", 猫', adapters={"a": "b"}, batch_size=2, position=1, pixels="0" * 64)


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_the_replay_record_comes_back_and_leaves_the_infotext_alone(format):
    data = encode(PIXELS, format, "a cat", Preferences(), RECORD.model_dump_json())
    contents = read(data)
    assert (contents.infotext, contents.record, contents.exact) == ("a cat", RECORD, format == "png")
    assert contents.pixels.shape == PIXELS.shape
    assert (contents.pixels == PIXELS).all() or format != "png"
    if format != "png":  # as A1111 reads it
        comment = piexif.load(opened(data).info["exif"])["Exif"][piexif.ExifIFD.UserComment]
        assert piexif.helper.UserComment.load(comment) == "a cat"


def test_a_jpg_without_room_goes_without_the_record():
    contents = read(encode(PIXELS, "jpg", "x" * 32_000, Preferences(), RECORD.model_dump_json() * 10))
    assert (len(contents.infotext), contents.record) == (32_000, None)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"threads": "many"}', "猫"])
def test_what_is_no_record_is_none(record):
    assert read(encode(PIXELS, "png", "a cat", Preferences(), record)).record is None


def test_a_record_of_a_later_version_is_read():
    assert read(encode(PIXELS, "png", "", Preferences(), '{"torch": "9", "new": 1}')).record == Record(torch="9")


def test_png_text_outside_latin_1_is_international():
    assert b"iTXtparameters\0" in encode(PIXELS, "png", "猫", Preferences())


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_exif_is_the_unicode_user_comment_that_a1111_writes(format):
    exif = piexif.load(opened(encode(PIXELS, format, "a 猫", Preferences())).info["exif"])
    comment = exif["Exif"][piexif.ExifIFD.UserComment]
    assert comment == b"UNICODE\0" + "a 猫".encode("utf-16-be")


def test_lossless_webp_has_the_pixels():
    lossless = encode(PIXELS, "webp", "x", Preferences(webp_lossless=True))
    assert np.array_equal(np.asarray(opened(lossless)), PIXELS)


def test_jpeg_quality_is_the_preference():
    low, high = (len(encode(PIXELS, "jpg", "", Preferences(jpeg_quality=q))) for q in (10, 95))
    assert low < high


def test_half_a_surrogate_does_not_lose_the_picture():
    assert read_infotext(encode(PIXELS, "png", "a\ud800b", Preferences())) == "a?b"


@pytest.mark.parametrize(("format", "side"), [("jpg", 65501), ("webp", 16384)])
def test_a_picture_too_large_for_its_format_is_named(format, side):
    with pytest.raises(OutputError, match=f"at most {side - 1} pixels"):
        encode(np.zeros((1, side, 3), np.uint8), format, "", Preferences())
    assert len(encode(np.zeros((1, side - 1, 3), np.uint8), format, "", Preferences()))
    assert opened(encode(np.zeros((1, side, 3), np.uint8), "png", "", Preferences())).size == (side, 1)


def test_jpeg_says_that_it_cannot_hold_a_very_long_text():
    with pytest.raises(OutputError, match="50000 characters"):
        encode(PIXELS, "jpg", "x" * 50_000, Preferences())
    for format in ("png", "webp"):
        assert len(read_infotext(encode(PIXELS, format, "x" * 50_000, Preferences()))) == 50_000
    longest = "x" * 32_000
    assert read_infotext(encode(PIXELS, "jpg", longest, Preferences())) == longest


def saved(image: Image.Image, format: str, **options) -> bytes:
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def test_avif_comment_is_read():
    comment = piexif.helper.UserComment.dump("a 猫 cat\nSteps: 3", encoding="unicode")
    exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
    assert read_infotext(saved(Image.fromarray(PIXELS), "AVIF", exif=exif)) == "a 猫 cat\nSteps: 3"


def test_other_texts_are_told_apart_from_the_infotext():
    chunks = PngInfo()
    for name, text in (("parameters", "a cat"), ("Author", "me"), ("extras", "upscaled")):
        chunks.add_text(name, text)
    texts = read_texts(saved(Image.fromarray(PIXELS), "PNG", pnginfo=chunks))
    assert (texts.infotext, texts.others) == ("a cat", {"Author": "me", "extras": "upscaled"})
    exif = piexif.dump({"0th": {piexif.ImageIFD.Make: b"Camera"}})
    assert read_texts(saved(Image.fromarray(PIXELS), "JPEG", exif=exif)).others == {"Make": "Camera"}


def test_gif_comment_is_read():
    assert read_infotext(saved(Image.fromarray(PIXELS), "GIF", comment="a cat")) == "a cat"


def test_png_text_behind_the_pixels_is_read():
    chunks = PngInfo()
    chunks.add(b"tEXt", b"parameters\0late", after_idat=True)
    assert read_infotext(saved(Image.fromarray(PIXELS), "PNG", pnginfo=chunks)) == "late"


def test_a_camera_picture_without_a_comment_has_no_infotext():
    exif = piexif.dump({"0th": {piexif.ImageIFD.Make: b"Camera"}})
    assert read_infotext(saved(Image.fromarray(PIXELS), "JPEG", exif=exif)) == ""


def test_user_comment_without_a_character_code_is_read_as_utf_8():
    exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: "a 猫 cat".encode()}})
    assert read_infotext(saved(Image.fromarray(PIXELS), "JPEG", exif=exif)) == "a 猫 cat"


def test_damaged_exif_does_not_make_the_picture_unreadable(tmp_path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(encode(PIXELS, "jpg", "secret", Preferences()))
    for exif in (b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + str(secret).encode(), b"Exif\0\0"):
        assert read_infotext(saved(Image.fromarray(PIXELS), "WEBP", exif=exif)) == ""


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff", gzip.compress(b"x", mtime=0)],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(RequestError, match="no PNG, JPEG, WebP, AVIF or GIF"):
        read_infotext(data)


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_half_a_file_is_refused(format):
    data = encode(PIXELS, format, "a cat", Preferences())
    with pytest.raises(RequestError):
        read_infotext(data[: len(data) // 2])


@pytest.mark.filterwarnings("ignore")  # Pillow warns about odd EXIF
@pytest.mark.parametrize("format", ["png", "jpg", "webp", "gif", "avif"])
@settings(deadline=None, max_examples=40)  # a changed size may be a large one to unpack
@given(data=st.data())
def test_changed_bytes_give_a_text_or_a_request_error(format, data):
    good = (
        saved(Image.fromarray(PIXELS), format, comment="a")
        if format in ("gif", "avif")
        else encode(PIXELS, format, "a cat", Preferences())
    )
    changed = bytearray(good)
    for at in data.draw(st.lists(st.integers(0, len(good) - 1), min_size=1, max_size=6)):
        changed[at] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(read_infotext(bytes(changed)), str)
    except RequestError as error:
        assert "BytesIO" not in str(error)


@pytest.mark.filterwarnings("ignore")
def test_a_picture_of_too_many_pixels_is_refused_without_unpacking_it():
    data = bytearray(encode(PIXELS, "png", "", Preferences()))
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(RequestError, match="too many pixels"):
        read_infotext(bytes(data))
