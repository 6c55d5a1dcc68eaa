"""Noise for samplers that solve an SDE: increments of one Brownian path per picture.

Two samplers with other steps see the same path, so more steps refine a picture in place of changing it. A path is
halved again and again until both ends of the asked interval are borders (virtual Brownian tree, Li et al. 2020,
arXiv:2001.01328), with the seeds, the rounding and the order of arithmetic of torchsde.BrownianTree, so that its
numbers are the same to the bit. That class cannot take its normal numbers from elsewhere, which the source "NV" needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import torch
from torch import Tensor

_DIGITS = 6
"""Levels are multiples of 1e-6."""
_POOL_SIZE = 24


@dataclass(slots=True)
class _Piece:
    """The path's increment over an interval, and the two halves of it once they were asked for."""

    begin: float
    end: float
    increment: Tensor
    depth: int = 0
    place: int = 0
    """Counted from the left among the pieces of its depth."""
    halves: list[_Piece] = field(default_factory=list["_Piece"])


class BrownianPath:
    """A path over the levels from `low` to `high`; `normal` makes unit noise of the path's shape from a seed."""

    def __init__(self, low: float, high: float, seed: int, normal: Callable[[int], Tensor]) -> None:
        self._seed = seed
        self._normal = normal
        whole = self._draw() * math.sqrt(high - low)
        self._root = _Piece(_rounded(low), _rounded(high), whole)

    def __call__(self, begin: float, end: float) -> Tensor:
        """The increment from the lower level `begin` to `end`; what lies outside of the path counts nothing."""
        begin, end = (min(max(_rounded(level), self._root.begin), self._root.end) for level in (begin, end))
        if begin == end:
            return torch.zeros_like(self._root.increment)
        return reduce(torch.add, self._parts(self._root, begin, end))

    def _parts(self, piece: _Piece, begin: float, end: float) -> Iterator[Tensor]:
        """The fewest pieces that make up the interval. Keeps no halves but those on the way to its two ends."""
        if (begin, end) == (piece.begin, piece.end):
            piece.halves.clear()
            yield piece.increment
            return
        if not piece.halves:
            piece.halves += self._halves(piece)
        left, right = piece.halves
        middle = left.end
        if begin < middle:
            yield from self._parts(left, begin, min(end, middle))
        else:
            left.halves.clear()
        if end > middle:
            yield from self._parts(right, max(begin, middle), end)
        else:
            right.halves.clear()

    def _halves(self, piece: _Piece) -> tuple[_Piece, _Piece]:
        """A Brownian bridge between the piece's ends, looked at in the middle."""
        middle = _rounded(0.5 * (piece.begin + piece.end))
        before, after, per_level = middle - piece.begin, piece.end - middle, 1 / (piece.end - piece.begin)
        noise = self._draw(piece.place, piece.depth)
        left = before * piece.increment * per_level + math.sqrt(before * after * per_level) * noise
        depth, place = piece.depth + 1, 2 * piece.place
        return (
            _Piece(piece.begin, middle, left, depth, place),
            _Piece(middle, piece.end, piece.increment - left, depth, place + 1),
        )

    def _draw(self, *key: int) -> Tensor:
        words = np.random.SeedSequence(self._seed, spawn_key=key, pool_size=_POOL_SIZE).generate_state(1)
        return self._normal(int(words[0]))


class BrownianNoise:
    """Unit noise that belongs to an interval of levels."""

    def __init__(self, paths: Sequence[BrownianPath], device: torch.device) -> None:
        """paths: each of shape [n,C,h,w], which together make the batch."""
        self._paths = paths
        self._device = device

    def __call__(self, sigma: float, sigma_next: float) -> Tensor:
        """[B,C,h,w] for the way from the higher level `sigma` down to `sigma_next`."""
        increments = torch.cat([path(sigma_next, sigma) for path in self._paths])
        # In float32, as k-diffusion has it.
        return (increments / -torch.tensor(sigma - sigma_next, dtype=torch.float32).sqrt()).to(self._device)


def _rounded(level: float) -> float:
    return round(level, _DIGITS)
