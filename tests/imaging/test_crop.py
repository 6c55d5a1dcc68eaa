"""The part of a picture that "Only masked" draws."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from sdui.imaging.crop import Box, expanded, masked_box

CASES = json.loads((Path(__file__).parent / "a1111/crop_region.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", [case for case in CASES if "rect" in case])
def test_the_same_part_as_a1111(case):
    mask = Image.new("L", tuple(case["image"]))
    ImageDraw.Draw(mask).rectangle(case["rect"], fill=255)
    box = masked_box(mask, case["pad"])
    assert list(box) == case["crop_region"]
    assert list(expanded(box, tuple(case["proc"]), tuple(case["image"]))) == case["expanded"]


def test_an_empty_mask_has_no_part():
    assert masked_box(Image.new("L", (64, 64)), 32) is None


@given(st.data())
def test_the_part_holds_the_mask_and_stays_in_the_picture(data):
    width, height = (data.draw(st.integers(1, 2000)) for _ in range(2))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height)))
    part = expanded(box, (data.draw(st.integers(64, 2048)), data.draw(st.integers(64, 2048))), (width, height))
    assert 0 <= part.left <= box.left and box.right <= part.right <= width
    assert 0 <= part.top <= box.top and box.bottom <= part.bottom <= height
