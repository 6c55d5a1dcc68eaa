"""A picture's hash tells pixels and shape apart, and nothing else."""

import io

import numpy as np
from PIL import Image

from sdui.imaging.fingerprints import of_picture, of_pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)


def encoded(format, **options):
    target = io.BytesIO()
    Image.fromarray(PIXELS).save(target, format, **options)
    return target.getvalue()


def test_shape_and_every_pixel_count():
    changed = PIXELS.copy()
    changed[3, 5, 2] ^= 1
    assert len({of_pixels(PIXELS), of_pixels(changed), of_pixels(PIXELS.reshape(6, 4, 3))}) == 3


def test_the_file_format_does_not_count():
    assert of_picture(encoded("PNG")) == of_picture(encoded("BMP")) == of_picture(encoded("WEBP", lossless=True))
    assert of_picture(encoded("PNG")) != of_picture(encoded("JPEG"))
    assert of_picture(b"") == ""
