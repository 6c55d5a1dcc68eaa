"""Pictures and masks at another size, equal to A1111's to the last bit."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdui.core.stages import RESIZE_MODES
from sdui.imaging.resize import resampled, resize

A1111 = Path(__file__).parent / "a1111"


def pixels(name, mode="RGB"):
    with Image.open(A1111 / name) as image:
        return image.convert(mode)


@pytest.mark.parametrize("path", sorted(A1111.glob("resize_*.png")), ids=lambda path: path.stem)
def test_a_picture_is_resized_as_a1111_resizes_it(path):
    _, mode, size, upscaler = path.stem.split("_")
    width, height = map(int, size.split("x"))
    upscale = None if upscaler == "None" else partial(resampled, name=upscaler)
    resized = resize(pixels("src_90x50.png"), RESIZE_MODES[int(mode[1])], width, height, upscale)
    assert np.array_equal(resized, pixels(path.name))


def test_a_mask_is_filled_at_its_edges_as_a1111_fills_it():
    mask = resize(pixels("mask_90x50.png", "L"), "Resize and fill", 64, 64)
    assert mask.mode == "L" and np.array_equal(mask, pixels("mask_resize_m2_64.png", "L"))


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_a_picture_of_one_line_can_be_resized(mode):
    for size in ((1000, 1), (1, 1000)):
        assert resize(Image.new("RGB", size, "red"), mode, 64, 72).size == (64, 72)
