"""Colour correction."""

import numpy as np

from sdui.imaging.colour import colour_corrected
from tests.imaging.test_resize import pixels


def test_colours_are_corrected_as_a1111_corrects_them():
    drawn, target = np.asarray(pixels("cc_target.png")), np.asarray(pixels("src_90x50.png"))
    assert np.array_equal(colour_corrected(drawn, target), pixels("cc_out.png"))


def test_a_picture_with_the_right_colours_hardly_changes():
    image = np.asarray(pixels("src_90x50.png"))
    assert np.abs(colour_corrected(image, image).astype(int) - image).mean() < 2


def test_pure_colours_and_another_size_do_no_harm():
    for colour in (0, 255, (255, 0, 0), (0, 0, 255)):
        drawn = np.full((8, 8, 3), colour, np.uint8)
        assert colour_corrected(drawn, np.asarray(pixels("src_90x50.png"))).shape == (8, 8, 3)
