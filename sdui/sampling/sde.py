"""Solvers of the reverse SDE in DPM-Solver++'s form (Lu et al. 2022, arXiv:2211.01095), in lambda = -log sigma.

Their noise belongs to the way between two levels (Brownian), so that more steps refine a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .ancestral import ancestral_levels
from .samplers import Denoiser, Noise, OnStep, look


def dpmpp_sde(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """Two model calls a step with the middle at half the log-level (r = 1/2)."""
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        if there == 0:
            x = denoised
            continue
        here, middle, there = _in_float32(here, there)
        down, up = ancestral_levels(here, middle, eta)
        ahead = denoised + (x - denoised) * (down / here) + noise(here, middle) * (s_noise * up)
        denoised = model(ahead, middle)
        down, up = ancestral_levels(here, there, eta)
        x = denoised + (x - denoised) * (down / here) + noise(here, there) * (s_noise * up)
    return x


def _in_float32(here: float, there: float) -> tuple[float, float, float]:
    """Both levels and the middle in log sigma, rounded as k-diffusion does it: a Brownian path tells them apart."""
    start, end = (-torch.tensor(sigma).log() for sigma in (here, there))
    start, middle, end = (float((-t).exp()) for t in (start, start + (end - start) / 2, end))
    return start, middle, end


def dpmpp_2m_sde(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """SDE-DPM-Solver++(2M): one call a step, the last two denoised images extrapolated to its middle."""
    return _two_step(lambda reach: -math.expm1(-reach) / 2, model, x, sigmas, noise, on_step, (eta, s_noise))


def dpmpp_2m_sde_heun(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """As `dpmpp_2m_sde`, with the line through both images integrated over the step."""
    return _two_step(lambda reach: 1 + math.expm1(-reach) / reach, model, x, sigmas, noise, on_step, (eta, s_noise))


def _two_step(
    extrapolate: Callable[[float], float],
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    noise: Noise,
    on_step: OnStep,
    strength: tuple[float, float],
) -> Tensor:
    """extrapolate: what the change of x0 per log-level counts, given the step's length (1 + eta) h."""
    eta, s_noise = strength
    before: Tensor | None = None
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        if there == 0:
            return denoised
        h = math.log(here / there)
        reach = h * (1 + eta)
        x = denoised + (x - denoised) * math.exp(-reach)
        if before is not None:
            ratio = math.log(sigmas[i - 1] / here) / h
            x = x + (denoised - before) * (extrapolate(reach) / ratio)
        if eta > 0:
            x = x + noise(here, there) * (there * math.sqrt(-math.expm1(-2 * eta * h)) * s_noise)
        before = denoised
    return x


def dpmpp_3m_sde(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Tensor:
    """SDE-DPM-Solver++(3M): a parabola through the last three denoised images."""
    images: list[Tensor] = []
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        images = [look(model, x, here, on_step, i), *images[:2]]
        if there == 0:
            return images[0]
        h = math.log(here / there)
        reach = h * (1 + eta)
        x = images[0] + (x - images[0]) * math.exp(-reach)
        if len(images) > 1:
            ratios = [math.log(sigmas[i - k] / sigmas[i - k + 1]) / h for k in range(1, len(images))]
            x = x + _curved(images, ratios, reach)
        if eta > 0:
            x = x + noise(here, there) * (there * math.sqrt(-math.expm1(-2 * eta * h)) * s_noise)
    return x


def _curved(images: list[Tensor], ratios: list[float], reach: float) -> Tensor:
    """What the images before the newest one add; ratios: the last steps' lengths by this one's, newest first."""
    phi_2 = 1 + math.expm1(-reach) / reach
    rise = (images[0] - images[1]) / ratios[0]
    if len(images) == 2:
        return rise * phi_2
    bend = (rise - (images[1] - images[2]) / ratios[1]) / (ratios[0] + ratios[1])
    return (rise + bend * ratios[0]) * phi_2 - bend * (phi_2 / reach - 0.5)
