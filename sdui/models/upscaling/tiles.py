"""Enlarging a picture tile by tile: memory grows with the tile, and no seam shows.

Each tile is seen with its surroundings, of which the result is thrown away, and fades into its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .global_means import GlobalMeans

_GRID = 32
"""Tiles begin at multiples of this, so that those windows lie where they lie in the whole picture."""


class Network(Protocol):
    """[1,3,h,w] -> [1,3,h*scale,w*scale]."""

    @property
    def scale(self) -> int: ...

    @property
    def context(self) -> int:
        """Pixels around a tile that count for it."""
        ...

    @property
    def means(self) -> GlobalMeans: ...

    def __call__(self, images: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Tiles:
    size: int
    """Pixels of a tile's side before it is enlarged; 0 enlarges the picture as a whole."""
    overlap: int
    """Pixels over which neighbours fade into each other."""


class _Span(NamedTuple):
    """Along one side, in pixels of the small picture."""

    start: int
    stop: int
    seen_start: int
    seen_stop: int
    next_start: int

    def own(self) -> tuple[float, float]:
        """What belongs to no other tile before it, as shares of what is seen."""
        length = self.seen_stop - self.seen_start
        return (self.start - self.seen_start) / length, (self.next_start - self.seen_start) / length


def enlarged(image: Tensor, network: Network, tiles: Tiles, on_tile: Callable[[int, int], None]) -> Tensor:
    """image: [1,3,H,W] on the device to compute on -> [1,3,H*scale,W*scale] on the CPU.

    on_tile is told how many of how many looks at the network are done before each; it may raise.
    """
    height, width = image.shape[2:]
    if not tiles.size or (tiles.size >= height and tiles.size >= width):
        on_tile(0, 1)
        return network(image).cpu()
    spans = [
        (row, column)
        for row in _spans(height, tiles, network.context)
        for column in _spans(width, tiles, network.context)
    ]
    rounds = 2 if network.means else 1
    looks = count()
    if network.means:
        with network.means.measured() as tell:
            for row, column in spans:
                on_tile(next(looks), rounds * len(spans))
                tell((row.own(), column.own()))
                network(_seen(image, row, column))
    with network.means.used() if network.means else nullcontext():
        weights = torch.zeros(1, 1, height * network.scale, width * network.scale)
        total = weights.expand(1, 3, -1, -1).clone()
        for row, column in spans:
            on_tile(next(looks), rounds * len(spans))
            made = network(_seen(image, row, column)).cpu()
            inner = made[..., _inner(row, network.scale), _inner(column, network.scale)]
            down = _ramp(row, height, tiles.overlap, network.scale)[:, None]
            weight = down * _ramp(column, width, tiles.overlap, network.scale)
            place = tuple(slice(span.start * network.scale, span.stop * network.scale) for span in (row, column))
            total[..., *place] += inner * weight
            weights[..., *place] += weight
    return total / weights


def _seen(image: Tensor, row: _Span, column: _Span) -> Tensor:
    return image[..., row.seen_start : row.seen_stop, column.seen_start : column.seen_stop]


def _spans(length: int, tiles: Tiles, context: int) -> list[_Span]:
    """They share at least the overlap."""
    step = max(_GRID, (tiles.size - tiles.overlap) // _GRID * _GRID)
    return list(_walk(length, max(tiles.size, step + tiles.overlap), step, max(context, tiles.overlap)))


def _walk(length: int, size: int, step: int, context: int) -> Iterator[_Span]:
    start = 0
    while True:
        stop = min(start + size, length)
        seen = max(0, (start - context) // _GRID * _GRID), min(length, -(-(stop + context) // _GRID) * _GRID)
        yield _Span(start, stop, *seen, length if stop == length else start + step)
        if stop == length:
            return
        start += step


def _inner(span: _Span, scale: int) -> slice:
    """Of what was made of the seen part, the tile itself."""
    return slice((span.start - span.seen_start) * scale, (span.stop - span.seen_start) * scale)


def _ramp(span: _Span, length: int, overlap: int, scale: int) -> Tensor:
    """Rises and falls over the overlap, but not at the picture's edges."""
    size, fade = (span.stop - span.start) * scale, overlap * scale
    ramp = torch.ones(size)
    if fade:
        rising = (torch.arange(size) + 0.5) / fade
        ramp = torch.minimum(ramp, rising) if span.start else ramp
        ramp = torch.minimum(ramp, rising.flip(0)) if span.stop < length else ramp
    return ramp
