"""The size that hires fix enlarges to."""

import json
from pathlib import Path

import pytest

from sdui.core.errors import RequestError
from sdui.core.stages import Hires
from sdui.imaging.hires_size import hires_size

CASES = json.loads((Path(__file__).parent / "a1111/hires_resolution.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES)
def test_the_same_size_as_a1111(case):
    wanted = {name: case[f"hr_{name}"] for name in ("scale", "resize_x", "resize_y") if f"hr_{name}" in case}
    size = hires_size(case["width"], case["height"], Hires(**wanted))
    assert [size.width, size.height] == case["to"]
    assert [size.cut_columns, size.cut_rows] == case["truncate"]


def test_what_sticks_out_is_cut_off_on_both_sides_and_the_odd_cell_at_the_end():
    size = hires_size(512, 512, Hires(resize_x=1000, resize_y=700))
    cells = list(range(125))
    assert cells[size.columns()] == cells and cells[size.rows()] == cells[18:106]


def test_a_size_without_pixels_is_refused():
    for wanted in ({"resize_x": 4}, {"resize_x": 512, "resize_y": 3}, {"resize_y": 8}):
        with pytest.raises(RequestError, match="Resize width to"):
            hires_size(64, 512, Hires(**wanted))
