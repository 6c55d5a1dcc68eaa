"""Which part of a picture "Only masked" draws."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image


class Box(NamedTuple):
    """In pixels; right and bottom are the first outside. The order of Pillow's boxes."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def masked_box(mask: Image.Image, padding: int) -> Box | None:
    """The smallest box with all of a mask ("L") that is not 0, and `padding` pixels more; None for an empty mask."""
    found = mask.getbbox()
    if found is None:
        return None
    left, top, right, bottom = found
    return Box(
        max(left - padding, 0),
        max(top - padding, 0),
        min(right + padding, mask.width),
        min(bottom + padding, mask.height),
    )


def expanded(box: Box, shape: tuple[int, int], picture: tuple[int, int]) -> Box:
    """`box` with its shorter side extended to the aspect of `shape`, moved and then cut to stay in `picture`.

    shape, picture: width, height.
    """
    aspect = shape[0] / shape[1]
    left, top, right, bottom = box
    if box.width / box.height > aspect:
        top, bottom = _extended(top, bottom, int(box.width / aspect - box.height), picture[1])
    else:
        left, right = _extended(left, right, int(box.height * aspect - box.width), picture[0])
    return Box(left, top, right, bottom)


def _extended(start: int, end: int, by: int, limit: int) -> tuple[int, int]:
    start, end = start - by // 2, end + by - by // 2
    if end > limit:
        start, end = start - (end - limit), limit
    if start < 0:
        start, end = 0, min(end - start, limit)
    return start, end
