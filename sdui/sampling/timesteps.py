"""Levels that belong to a sampler's own definition: those of the samplers that count in training timesteps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from sdui.core.sampling_options import SamplingOptions

from .levels import NoiseLevels


class Way(NamedTuple):
    """Where sampling goes along."""

    sigmas: list[float]
    """The levels to visit, falling; a single one means that there is nothing to do."""
    start: float
    """The level of the noise that a picture gets before sampling: sigmas[0], or A1111's own idea of it."""


OwnLevels = Callable[[int, int | None, NoiseLevels, SamplingOptions], Way]
"""(steps, the last steps to take of these or None for all, levels, options) -> way."""


def ddim_levels(steps: int, taken: int | None, levels: NoiseLevels, options: SamplingOptions) -> Way:
    """Every (T // steps)-th timestep plus one, as in the original DDIM; ends at timestep 1, not at 0.

    There can be more levels than steps. A picture's noise is that of the level before the first one visited.
    """
    falling = [levels.sigmas[time].item() for time in reversed(_timesteps(steps, levels))]
    if taken is None:
        return Way(falling, falling[0])
    taken = min(taken, len(falling) - 1)
    return Way(falling[len(falling) - max(taken, 1) :], falling[len(falling) - 1 - taken])


def unipc_levels(steps: int, taken: int | None, levels: NoiseLevels, options: SamplingOptions) -> Way:
    """From the start to timestep 0 in as many steps as DDIM has levels, by the option for what is equal in them.

    A picture's noise is as in DDIM although sampling starts from one timestep below.
    """
    timesteps = _timesteps(steps, levels)
    start = ddim_levels(steps, taken, levels, options).start
    count = len(timesteps) if taken is None else min(taken, len(timesteps) - 1)
    if count == 0:
        return Way([start], start)
    total = len(levels.sigmas)
    first = 1.0 if taken is None else (timesteps[count - 1] + 1) / total
    logs = -torch.log1p(levels.sigmas.double() ** 2) / 2
    return Way(_equal_steps(first, 1 / total, count, options.uni_pc_skip_type, logs), start)


def _timesteps(steps: int, levels: NoiseLevels) -> list[int]:
    """Rising."""
    total = len(levels.sigmas)
    return [min(time + 1, total - 1) for time in range(0, total, max(1, total // steps))]


def _equal_steps(first: float, last: float, count: int, skip_type: str, logs: Tensor) -> list[float]:
    """Between two times in 0..1; logs: log alpha [T], between whose timesteps UniPC interpolates linearly."""
    if skip_type == "logSNR":
        high, low = (math.log(_sigma(time, logs)) for time in (first, last))
        return [math.exp(high + (low - high) * i / count) for i in range(count + 1)]
    power = 2 if skip_type == "time_quadratic" else 1
    first, last = first ** (1 / power), last ** (1 / power)
    return [_sigma((first + (last - first) * i / count) ** power, logs) for i in range(count + 1)]


def _sigma(time: float, logs: Tensor) -> float:
    """Of a time in 0..1, the last training timestep's being 1."""
    place = min(max(time * len(logs) - 1, 0.0), len(logs) - 1.0)
    below = min(int(place), len(logs) - 2)
    log_alpha = torch.lerp(logs[below], logs[below + 1], place - below).item()
    return math.sqrt(math.expm1(-2 * log_alpha))
