"""Samplers for distilled networks, which jump from any level to the image in one go."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from .levels import NoiseLevels
from .samplers import Denoiser, Noise, OnStep, Step, look, slope

_DATA_DEVIATION = 0.5
_TIME_SCALE = 10.0


def lcm(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, levels: NoiseLevels
) -> Tensor:
    """Latent consistency models' multistep sampling (Luo et al. 2023, arXiv:2310.04378, Algorithm 3)."""
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        skip, out = _boundary(levels.timestep(here) * _TIME_SCALE)
        denoised = model(x, here) * out + x * skip
        on_step(Step(i, here, x, denoised))
        x = denoised
        if there > 0:
            x = x + noise(here, there) * there
    return x


def _boundary(time: float) -> tuple[float, float]:
    """How much of x itself and of x0 a consistency function is, so that it is x at time 0 (section 4.1)."""
    norm = math.hypot(time, _DATA_DEVIATION)
    return (_DATA_DEVIATION / norm) ** 2, time / norm


def tcd(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    levels: NoiseLevels,
    gamma: float = 0.3,
) -> Tensor:
    """Trajectory consistency distillation (Zheng et al. 2024, arXiv:2402.19159, strategic stochastic sampling).

    Each step goes down to (1 - gamma) of the next timestep and adds fresh noise up to it. gamma 0 adds none.
    """
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        if there == 0:
            return denoised
        down = min(levels.sigma((1 - gamma) * levels.timestep(there)), there)
        x = denoised + slope(x, denoised, here) * down
        if gamma > 0:
            x = x + noise(here, there) * math.sqrt(there**2 - down**2)
    return x
