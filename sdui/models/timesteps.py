"""Training timesteps and their noise levels: what a network was trained on, and what it is asked about."""

from __future__ import annotations

import torch
from torch import Tensor


def noise_levels(beta_start: float, beta_end: float, timesteps: int) -> Tensor:
    """Sigma of each timestep for "scaled linear" betas, sqrt((1 - a) / a), rising; float32 [timesteps] on the CPU."""
    betas = torch.linspace(beta_start**0.5, beta_end**0.5, timesteps, dtype=torch.float64) ** 2
    alphas = (1 - betas).cumprod(0).float()
    return ((1 - alphas) / alphas).sqrt()


def timestep_of(sigma: Tensor, levels: Tensor) -> Tensor:
    """The fractional timestep of a level, interpolated in log sigma and held within the trained range; a scalar."""
    logs, log_sigma = levels.log(), sigma.log()
    low = (torch.searchsorted(logs, log_sigma) - 1).clamp(0, len(logs) - 2)
    weight = ((log_sigma - logs[low]) / (logs[low + 1] - logs[low])).clamp(0, 1)
    return low + weight
