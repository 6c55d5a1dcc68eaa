"""Restart sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from .samplers import Denoiser, Noise, OnStep, look, slope
from .schedules import karras_between

_LOWEST, _HIGHEST = 0.1, 2.0
"""Where a restart goes up from and up to, about."""


def restart(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """Xu et al. 2023 (arXiv:2306.14878): Heun's method, with jumps back up by fresh noise from 20 steps on."""
    last = sigmas[0]
    for i, (here, there) in enumerate(_ways(sigmas)):
        if here > last:
            x = x + noise(last, here) * math.sqrt(here**2 - last**2)
        d = slope(x, look(model, x, here, on_step, i), here)
        if there > 0:
            ahead = x + d * (there - here)
            d = (d + slope(ahead, model(ahead, there), there)) / 2
        x = x + d * (there - here)
        last = there
    return x


def _ways(sigmas: Sequence[float]) -> list[tuple[float, float]]:
    """From level to level, about as many as there were; the levels become Karras' where there are restarts."""
    steps = len(sigmas) - 1
    if steps < 20:
        return list(pairwise(sigmas))
    length, times = (steps // 4, 2) if steps >= 36 else (9, 1)
    sigmas = karras_between(steps - length * times, sigmas[-2], sigmas[0])
    low, high = (_nearest(sigmas, level) for level in (_LOWEST, _HIGHEST))
    again = list(pairwise(karras_between(length + 1, sigmas[low], sigmas[high])[:-1])) if high < low else []
    ways = list(pairwise(sigmas))
    return ways[:low] + again * times + ways[low:]


def _nearest(sigmas: Sequence[float], level: float) -> int:
    return min(range(len(sigmas)), key=lambda i: abs(sigmas[i] - level))
