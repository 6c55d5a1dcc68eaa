"""Pictures as users hand them in."""

import io

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import RequestError
from sdui.imaging.pixels import flattened, opened
from tests.imaging.test_resize import A1111, pixels


def encoded(image, format="PNG", **options):
    data = io.BytesIO()
    image.save(data, format, **options)
    return data.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "I;16", "1"])
def test_a_picture_of_any_kind_becomes_rgb(mode):
    assert flattened(opened(encoded(Image.new(mode, (50, 30))), "Image"), "#ffffff").mode == "RGB"


def test_what_is_transparent_gets_the_colour_that_a1111_gives_it():
    image = opened((A1111 / "rgba.png").read_bytes(), "Image")
    assert np.array_equal(flattened(image, "#ff8800"), pixels("flatten.png"))


def test_a_transparent_palette_colour_is_transparent():
    palette = Image.new("RGB", (8, 8), "red").quantize(2)
    image = opened(encoded(palette, transparency=palette.getpixel((0, 0))), "Image")
    assert (np.asarray(flattened(image, "#102030")) == (16, 32, 48)).all()


def test_a_photo_of_a_turned_camera_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert opened(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif), "Image").size == (20, 40)


def test_grey_of_16_bits_keeps_its_shades():
    image = Image.fromarray(np.full((8, 8), 128 * 256, np.uint16))
    assert flattened(opened(encoded(image), "Image"), "#ffffff").getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("RGB", (64, 64), "red"))[:60]])
def test_what_is_no_whole_picture_is_refused_by_its_field(data):
    with pytest.raises(RequestError, match=r"^Mask: "):
        opened(data, "Mask")
