"""The contact sheet has A1111's shape."""

from __future__ import annotations

import numpy as np
import pytest

from sdui.imaging.grid import grid, rows_for


def cells(count: int, height: int = 8, width: int = 10) -> list[np.ndarray]:
    return [np.full((height, width, 3), index + 1, np.uint8) for index in range(count)]


# Sizes of A1111's image_grid for pictures of 10x8.
@pytest.mark.parametrize(("count", "size"), [(2, (20, 8)), (3, (20, 16)), (4, (20, 16)), (7, (30, 24))])
def test_automatic_grids_have_a1111s_size(count, size):
    sheet = grid(cells(count), rows_for(count, -1, 1))
    assert (sheet.shape[1], sheet.shape[0]) == size


@pytest.mark.parametrize(
    ("count", "n_rows", "batch_size", "rows"), [(1, -1, 1, 1), (6, 2, 3, 2), (6, 0, 3, 3), (2, 0, 4, 2), (2, 16, 1, 2)]
)
def test_rows_follow_the_preference_but_never_exceed_the_pictures(count, n_rows, batch_size, rows):
    assert rows_for(count, n_rows, batch_size) == rows


def test_pictures_stand_row_by_row_and_the_rest_is_black():
    sheet = grid(cells(5), 2)
    assert sheet.dtype == np.uint8
    assert sheet[::8, ::10, 0].tolist() == [[1, 2, 3], [4, 5, 0]]


def test_a_smaller_picture_stands_in_the_middle_of_its_cell():
    sheet = grid([*cells(1), *cells(1, height=4, width=2)], 1)
    assert sheet[:, 10:, 0].sum() == 8
    assert (sheet[2:6, 14:16] == 1).all()
