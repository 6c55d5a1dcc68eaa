"""Puts the cells of a plot together: a sheet for each Z value, and these side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sdui.core.events import GeneratedImage
from sdui.imaging.grid import grid
from sdui.imaging.legend import Label, Sheet, annotated
from sdui.imaging.pixels import Pixels

Place = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, width, height."""


@dataclass(frozen=True, slots=True)
class Cells:
    made: Mapping[Place, GeneratedImage]
    counts: Place
    """Along X, Y and Z."""

    def plane(self, z: int) -> list[Pixels]:
        """Row by row; black where nothing was made."""
        first = next(iter(self.made.values())).pixels
        across, down, _ = self.counts
        held = [self.made.get((x, y, z)) for y in range(down) for x in range(across)]
        return [np.zeros_like(first) if image is None else image.pixels for image in held]


@dataclass(frozen=True, slots=True)
class Drawn:
    pixels: Pixels
    boxes: dict[Place, Box] = field(default_factory=dict[Place, Box])
    """Of each cell."""


def plane(cells: Cells, z: int, legends: Sequence[Sequence[str]], words: bool, margin: int) -> Drawn:
    """The pictures of one Z value; legends: of X and Y; words: draw them."""
    across, down, _ = cells.counts
    pictures = cells.plane(z)
    height, width = (max(picture.shape[side] for picture in pictures) for side in (0, 1))
    sheet = Sheet(grid(pictures, down), width, height, across, down)
    left = top = step = 0
    pixels = sheet.pixels
    if words:
        above, beside = ([[Label(text)] for text in texts] for texts in legends[:2])
        legend = annotated(sheet, above, beside, margin)
        pixels, left, top, step = legend.pixels, legend.left, legend.top, margin
    boxes = {
        (x, y, z): (left + x * (width + step), top + y * (height + step), width, height)
        for y in range(down)
        for x in range(across)
    }
    return Drawn(pixels, boxes)


def side_by_side(planes: Sequence[Drawn], words: Sequence[str]) -> Drawn:
    """From left to right, with these words above them; none leaves them out."""
    height, width = planes[0].pixels.shape[:2]
    sheet = Sheet(grid([drawn.pixels for drawn in planes], 1), width, height, len(planes), 1)
    top, pixels = 0, sheet.pixels
    if words:
        legend = annotated(sheet, [[Label(text)] for text in words], [[Label()]])
        top, pixels = legend.top, legend.pixels
    boxes = {
        place: (left + index * width, upper + top, wide, high)
        for index, drawn in enumerate(planes)
        for place, (left, upper, wide, high) in drawn.boxes.items()
    }
    return Drawn(pixels, boxes)
