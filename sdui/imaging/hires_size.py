"""The size that hires fix enlarges to."""

from __future__ import annotations

from dataclasses import dataclass

from sdui.core.errors import RequestError
from sdui.core.stages import Hires

CELL = 8
"""Pixels of a latent cell's side."""


@dataclass(frozen=True, slots=True)
class HiresSize:
    """Enlarge to width x height pixels, encode where that was done in pixels, then keep rows() x columns()."""

    width: int
    height: int
    cut_columns: int = 0
    """Latent cells that are cut off left and right together; the odd one right."""
    cut_rows: int = 0

    def kept(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""
        return (self.width // CELL - self.cut_columns) * CELL, (self.height // CELL - self.cut_rows) * CELL

    def rows(self) -> slice:
        return _middle(self.height // CELL, self.cut_rows)

    def columns(self) -> slice:
        return _middle(self.width // CELL, self.cut_columns)

    def cut_pixels(self) -> tuple[slice, slice]:
        """Rows and columns of the enlarged picture whose cells are kept; all of them where nothing is cut off."""
        if not (self.cut_rows or self.cut_columns):
            return slice(None), slice(None)
        rows, columns = self.rows(), self.columns()
        return slice(rows.start * CELL, rows.stop * CELL), slice(columns.start * CELL, columns.stop * CELL)


def hires_size(width: int, height: int, hires: Hires) -> HiresSize:
    """For a first pass of width x height pixels.

    With both "Resize width to" and "Resize height to" the picture is enlarged until it covers that size, and what
    sticks out is cut off. Raises RequestError when no latent cell would be left.
    """
    size = _size(width, height, hires)
    if size.width < CELL or size.height < CELL or min(hires.resize_x or CELL, hires.resize_y or CELL) < CELL:
        raise RequestError(f"Resize width to, Resize height to: a picture has at least {CELL} pixels a side; 0 is off.")
    return size


def _size(width: int, height: int, hires: Hires) -> HiresSize:
    wanted_width, wanted_height = hires.resize_x, hires.resize_y
    if not wanted_width and not wanted_height:
        return HiresSize(int(width * hires.scale), int(height * hires.scale))
    by_width = HiresSize(wanted_width, wanted_width * height // width)
    by_height = HiresSize(wanted_height * width // height, wanted_height)
    if not wanted_height:
        return by_width
    if not wanted_width:
        return by_height
    covering = by_width if width * wanted_height < wanted_width * height else by_height
    cut_columns, cut_rows = (covering.width - wanted_width) // CELL, (covering.height - wanted_height) // CELL
    return HiresSize(covering.width, covering.height, cut_columns, cut_rows)


def _middle(cells: int, cut: int) -> slice:
    return slice(cut // 2, cells - (cut + 1) // 2)
