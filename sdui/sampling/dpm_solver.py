"""DPM-Solver of Lu et al. 2022 (arXiv:2206.00927) with steps of its own choosing, in lambda = -log sigma.

Both go from the first level to the last one, which is above 0: the noise of that level stays. The levels between are
theirs, not the schedule's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .ancestral import ancestral_levels
from .samplers import Denoiser, Noise, OnStep, look, slope

_SHORTEST = 1e-5
"""A way shorter than this in lambda is at its end."""


def dpm_fast(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """DPM-Solver-fast: as many model calls as there are steps, in equal steps of order 3 and a last one of less."""
    calls, (start, end) = len(sigmas) - 1, _ends(sigmas)
    if end - start < _SHORTEST:
        return look(model, x, sigmas[0], on_step, 0)
    count = calls // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if calls % 3 == 0 else [3] * (count - 1) + [calls % 3]
    for i, order in enumerate(orders):
        here, there = (math.exp(-(start + (end - start) * k / count)) for k in (i, i + 1))
        down, up = _noisy_levels(here, there, sigmas[-1], eta)
        d = slope(x, look(model, x, here, on_step, i), here)
        x = _Leap(model, x, d, here, down).of_order(order)
        if eta > 0:
            x = x + noise(here, there) * (up * s_noise)
    return x


def dpm_adaptive(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, eta: float = 1.0
) -> Tensor:
    """DPM-Solver-23: steps as long as the difference of the orders 2 and 3 allows, over the whole batch, as in A1111.

    A picture therefore depends on its batch.
    """
    at, end = _ends(sigmas)
    if end - at < _SHORTEST:
        return look(model, x, sigmas[0], on_step, 0)
    pace = _Pace(1.5 if eta > 0 else 3)
    previous, index = x, 0
    while at < end - _SHORTEST:
        until = min(end, at + pace.length)
        here, there = math.exp(-at), math.exp(-until)
        down, up = _noisy_levels(here, there, sigmas[-1], eta)
        d = slope(x, look(model, x, here, on_step, index), here)
        index += 1
        leap = _Leap(model, x, d, here, down)
        low, high = leap.second(1 / 3), leap.third()
        if pace.accepts(_difference(low, high, previous)):
            previous, x, at = low, high, until
            if eta > 0:
                x = x + noise(here, there) * up
    return x


def _ends(sigmas: Sequence[float]) -> tuple[float, float]:
    return -math.log(sigmas[0]), -math.log(sigmas[-1])


def _noisy_levels(here: float, there: float, last: float, eta: float) -> tuple[float, float]:
    """As `ancestral_levels`, but never down to below the last level."""
    down = max(ancestral_levels(here, there, eta)[0], last)
    return down, math.sqrt(max(there**2 - down**2, 0.0))


class _Leap:
    """One step from level `here` to `there` in the orders 1 to 3 (Appendix B); they share their model calls."""

    def __init__(self, model: Denoiser, x: Tensor, d: Tensor, here: float, there: float) -> None:
        self._model, self._x, self._d, self._here, self._there = model, x, d, here, there
        self._h = math.log(here / there)
        self._third_way: tuple[float, Tensor] | None = None

    def of_order(self, order: int) -> Tensor:
        leaps: dict[int, Callable[[], Tensor]] = {1: self.first, 2: self.second, 3: self.third}
        return leaps[order]()

    def first(self) -> Tensor:
        return self._x - self._d * (self._there * math.expm1(self._h))

    def second(self, share: float = 0.5) -> Tensor:
        """share: how far along the way the slope is looked at."""
        grown = self._there * math.expm1(self._h)
        return self._x - self._d * grown - (self._slope_at(share) - self._d) * (grown / (2 * share))

    def third(self) -> Tensor:
        near, far = 1 / 3, 2 / 3
        bend = self._slope_at(near) - self._d
        level, reach = self._level(far), far * self._h
        ahead = (
            self._x
            - self._d * (level * math.expm1(reach))
            - bend * (level * (far / near) * (math.expm1(reach) / reach - 1))
        )
        bend = slope(ahead, self._model(ahead, level), level) - self._d
        h, there = self._h, self._there
        return self._x - self._d * (there * math.expm1(h)) - bend * (there / far * (math.expm1(h) / h - 1))

    def _level(self, share: float) -> float:
        return self._here * math.exp(-share * self._h)

    def _slope_at(self, share: float) -> Tensor:
        if self._third_way is None or self._third_way[0] != share:
            level = self._level(share)
            ahead = self._x - self._d * (level * math.expm1(share * self._h))
            self._third_way = share, slope(ahead, self._model(ahead, level), level)
        return self._third_way[1]


def _difference(low: Tensor, high: Tensor, previous: Tensor, relative: float = 0.05, absolute: float = 0.0078) -> float:
    """Of two orders' results, in units of what is tolerated."""
    tolerated = (torch.maximum(low.abs(), previous.abs()) * relative).clamp(min=absolute)
    return ((low - high) / tolerated).square().mean().sqrt().item()


class _Pace:
    """Length of the next step, in lambda: what would have made the last error 1, changed by at most some half."""

    def __init__(self, order: float) -> None:
        self.length = 0.05
        self._order = order

    def accepts(self, error: float) -> bool:
        factor = (1 / (error + 1e-8)) ** (1 / self._order)
        factor = 1 + math.atan(factor - 1)
        self.length *= factor
        # Not "factor >= 0.81": when the network gives NaN the way must come to its end too.
        return not factor < 0.81
