"""Ancestral samplers: each step goes down to below the next level and adds fresh noise up to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from .samplers import Denoiser, Noise, OnStep, look, midway, slope


def ancestral_levels(here: float, there: float, eta: float) -> tuple[float, float]:
    """How far to step down and how much noise to add so that the level after both is `there`.

    eta 0 adds none, eta 1 as much as the reverse Markov chain of DDPM (arXiv:2006.11239) does.
    """
    up = min(there, eta * there * math.sqrt(max(here**2 - there**2, 0.0)) / here)
    return math.sqrt(there**2 - up**2), up


def euler_ancestral(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """First order. With eta 1 this is DDPM's ancestral sampling (arXiv:2006.11239, Algorithm 2) at any levels."""
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        down, up = ancestral_levels(here, there, eta)
        x = x + slope(x, denoised, here) * (down - here)
        if there > 0:
            x = x + noise(here, there) * (s_noise * up)
    return x


def dpm_2_ancestral(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """DPM2 down to below the next level, then fresh noise."""
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        d = slope(x, look(model, x, here, on_step, i), here)
        down, up = ancestral_levels(here, there, eta)
        if down > 0:
            middle = midway(here, down)
            ahead = x + d * (middle - here)
            d = slope(ahead, model(ahead, middle), middle)
        x = x + d * (down - here)
        if there > 0:
            x = x + noise(here, there) * (s_noise * up)
    return x


def dpmpp_2s_ancestral(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """DPM-Solver++(2S), Algorithm 1 of Lu et al. 2022 (arXiv:2211.01095) with r = 1/2, then fresh noise."""
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        down, up = ancestral_levels(here, there, eta)
        if down > 0:
            middle = midway(here, down)
            denoised = model(denoised + (x - denoised) * (middle / here), middle)
        x = denoised + (x - denoised) * (down / here)
        if there > 0:
            x = x + noise(here, there) * (s_noise * up)
    return x
