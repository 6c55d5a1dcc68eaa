"""How much of the picture is left at each timestep that a network was trained on."""

from __future__ import annotations

import torch
from torch import Tensor


def alphas_cumprod(beta_start: float, beta_end: float, timesteps: int) -> Tensor:
    """Share of the picture's variance at each timestep for "scaled linear" betas, falling; float32 [timesteps], CPU.

    The notation is that of DDPM (Ho et al. 2020, arXiv:2006.11239), where it is written as alpha with a bar.
    """
    betas = torch.linspace(beta_start**0.5, beta_end**0.5, timesteps, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()
