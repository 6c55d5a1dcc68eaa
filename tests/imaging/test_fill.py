"""The masked content "fill"."""

import numpy as np
from PIL import Image

from sdui.imaging.fill import filled
from tests.imaging.test_resize import pixels


def test_the_masked_part_is_filled_as_a1111_fills_it():
    image = filled(pixels("src_90x50.png"), pixels("mask_90x50.png", "L"))
    assert np.array_equal(image, pixels("masking_fill.png"))


def test_a_masked_part_takes_the_colour_around_it():
    image, mask = Image.new("RGB", (64, 64), (200, 30, 10)), Image.new("L", (64, 64))
    image.paste((0, 0, 255), (20, 20, 44, 44))
    mask.paste(255, (20, 20, 44, 44))
    assert np.allclose(filled(image, mask), (200, 30, 10), atol=20)
