"""A picture cut into overlapping tiles of one size, and put together again with soft edges, as A1111 does it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True, slots=True)
class Tiling:
    """Where the tiles are; all of one size, the last ones of a row and column moved to the edge."""

    size: tuple[int, int]
    """Width and height of the whole."""
    tile: tuple[int, int]
    overlap: int
    """Pixels at the least; what two tiles share is mixed over so many."""

    def places(self) -> list[list[tuple[int, int]]]:
        """Left and top of each tile, row by row."""
        lefts, tops = (_offsets(whole, part, self.overlap) for whole, part in zip(self.size, self.tile, strict=True))
        return [[(left, top) for left in lefts] for top in tops]

    def cut(self, image: Image.Image) -> list[list[Image.Image]]:
        """Black where a tile reaches beyond the picture."""
        width, height = self.tile
        return [[image.crop((x, y, x + width, y + height)) for x, y in row] for row in self.places()]

    def joined(self, tiles: Sequence[Sequence[Image.Image]]) -> Image.Image:
        """RGB; the next tile fades in over the one before it."""
        width, whole = self.size[0], Image.new("RGB", self.size)
        for places, row in zip(self.places(), tiles, strict=True):
            strip, (_, top) = Image.new("RGB", (width, self.tile[1])), places[0]
            for (left, _), tile in zip(places, row, strict=True):
                _lay(strip, tile, (left, 0), self._fade(self.tile[1], across=True) if left else None)
            _lay(whole, strip, (0, top), self._fade(width, across=False) if top else None)
        return whole

    def _fade(self, length: int, *, across: bool) -> Image.Image | None:
        if not self.overlap:
            return None
        ramp = (np.arange(self.overlap) * 255 / self.overlap).astype(np.uint8)
        shape = (length, self.overlap) if across else (self.overlap, length)
        return Image.fromarray(np.broadcast_to(ramp if across else ramp[:, None], shape).copy())


def _offsets(whole: int, part: int, overlap: int) -> list[int]:
    count = max(1, math.ceil((whole - overlap) / max(1, part - overlap)))
    step = (whole - part) / (count - 1) if count > 1 else 0.0
    return [min(int(index * step), whole - part) if count > 1 else whole - part for index in range(count)]


def _lay(canvas: Image.Image, image: Image.Image, at: tuple[int, int], fade: Image.Image | None) -> None:
    if fade is None:
        canvas.paste(image, at)
        return
    canvas.paste(image.crop((0, 0, *fade.size)), at, fade)
    if fade.width < image.width:
        canvas.paste(image.crop((fade.width, 0, image.width, image.height)), (at[0] + fade.width, at[1]))
    else:
        canvas.paste(image.crop((0, fade.height, image.width, image.height)), (at[0], at[1] + fade.height))
