"""Schedules: how the noise level falls from step to step.

Each takes the model's table of levels, sigma of timestep 0, 1, 2, ... [T] rising, and returns the levels to visit,
falling, with the final 0 where the sampler is to end without noise.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Schedule = Callable[[int, Tensor], Tensor]
"""(steps, table [T]) -> sigmas [steps + 1], float32 on the CPU."""


def sigma_at(table: Tensor, timestep: Tensor) -> Tensor:
    """The level at a fractional timestep, interpolated in log sigma."""
    logs = table.log()
    low, high = timestep.floor().long(), timestep.ceil().long()
    weight = timestep - low
    return ((1 - weight) * logs[low] + weight * logs[high]).exp()


def uniform(steps: int, table: Tensor) -> Tensor:
    """Equal distances in time, from the last training timestep to the first."""
    times = torch.linspace(len(table) - 1, 0, steps)
    return _then_zero(sigma_at(table, times))


def karras(steps: int, table: Tensor, rho: float = 7.0) -> Tensor:
    """Eq. 5 of Karras et al. 2022 (arXiv:2206.00364)."""
    low, high = table[0] ** (1 / rho), table[-1] ** (1 / rho)
    return _then_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** rho)


def exponential(steps: int, table: Tensor) -> Tensor:
    """Equal ratios from level to level."""
    return _then_zero(torch.linspace(table[-1].log().item(), table[0].log().item(), steps).exp())


def ddim_timesteps(steps: int, table: Tensor) -> Tensor:
    """The original DDIM's own levels: every (T // steps)-th timestep plus one; ends at timestep 1, not at 0.

    The number of levels is that of the multiples below T, so it can exceed `steps` by some.
    """
    last = len(table) - 1
    times = (torch.arange(0, len(table), max(1, len(table) // steps)) + 1).clamp(max=last)
    return table[times].flip(0)


def _then_zero(sigmas: Tensor) -> Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])


SCHEDULES: dict[str, Schedule] = {"Uniform": uniform, "Karras": karras, "Exponential": exponential}
AUTOMATIC = "Automatic"
