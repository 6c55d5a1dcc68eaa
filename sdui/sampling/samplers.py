"""Samplers: a denoiser, a start and a list of noise levels in; a sample out. Here: what all share, Euler and Heun.

Everything is in the variance-exploding parametrisation of Karras et al. 2022 (arXiv:2206.00364):
x = image + sigma * unit noise. x [B,C,h,w]; sigmas n + 1 floats, falling; `model(x, sigma) -> x0` of x's shape.
Levels are Python floats, so that nothing waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from torch import Tensor

Denoiser = Callable[[Tensor, float], Tensor]
Noise = Callable[[float, float], Tensor]
"""(sigma, sigma_next) -> unit noise of x's shape for the way between the two levels."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a sampler knows after its first look at level `sigma`, before it moves on."""

    index: int
    sigma: float
    x: Tensor
    denoised: Tensor


OnStep = Callable[[Step], None]
SamplerFn = Callable[..., Tensor]
"""(model, x, sigmas, *, noise: Noise, on_step: OnStep, **options) -> x at the last level."""


def look(model: Denoiser, x: Tensor, sigma: float, on_step: OnStep, index: int) -> Tensor:
    """A step's first look at its level, reported; -> x0."""
    denoised = model(x, sigma)
    on_step(Step(index, sigma, x, denoised))
    return denoised


def slope(x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
    """dx/dsigma of the probability flow: the noise in x, of about unit deviation."""
    return (x - denoised) / sigma


def midway(here: float, there: float) -> float:
    """Half way in log sigma; both above 0."""
    return math.sqrt(here * there)


class Churn(TypedDict, total=False):
    """Noise added before each step (Karras et al. 2022, section 4); by default none."""

    s_churn: float
    """Over the whole way, in units of the level."""
    s_tmin: float
    s_tmax: float
    """Only between these levels; 0 means no upper limit."""
    s_noise: float
    """Deviation of what is added; slightly above 1 makes up for what denoisers lose."""


def churned(x: Tensor, here: float, steps: int, noise: Noise, **churn: Unpack[Churn]) -> tuple[Tensor, float]:
    """x with some noise added, and the level that it then has."""
    amount = churn.get("s_churn", 0.0)
    if amount <= 0:
        return x, here
    # Drawn at every level, also outside the limits, so that these do not shift the random numbers.
    fresh = noise(here, here) * churn.get("s_noise", 1.0)
    if not churn.get("s_tmin", 0.0) <= here <= (churn.get("s_tmax", 0.0) or math.inf):
        return x, here
    higher = here * (1 + min(amount / steps, math.sqrt(2) - 1))
    return x + fresh * math.sqrt(higher**2 - here**2), higher


def euler(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, **churn: Unpack[Churn]
) -> Tensor:
    """Algorithm 2 of Karras et al. 2022 without its correction: first order."""
    steps = len(sigmas) - 1
    for i, there in enumerate(sigmas[1:]):
        x, here = churned(x, sigmas[i], steps, noise, **churn)
        x = x + slope(x, look(model, x, here, on_step, i), here) * (there - here)
    return x


def heun(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, **churn: Unpack[Churn]
) -> Tensor:
    """Algorithm 2 of Karras et al. 2022: the slopes at both ends of a step are averaged; second order."""
    steps = len(sigmas) - 1
    for i, there in enumerate(sigmas[1:]):
        x, here = churned(x, sigmas[i], steps, noise, **churn)
        d = slope(x, look(model, x, here, on_step, i), here)
        if there > 0:
            ahead = x + d * (there - here)
            d = (d + slope(ahead, model(ahead, there), there)) / 2
        x = x + d * (there - here)
    return x


def heunpp2(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, **churn: Unpack[Churn]
) -> Tensor:
    """Heun++ as in Forge and ComfyUI: the slopes of up to two further levels count, weighted by these levels.

    A further level's weight is its share of as many first levels as slopes are used; the step's own slope has the
    rest. So the method is Heun's at the start and nearly Euler's at the end.
    """
    steps = len(sigmas) - 1
    for i, there in enumerate(sigmas[1:]):
        x, here = churned(x, sigmas[i], steps, noise, **churn)
        d = slope(x, look(model, x, here, on_step, i), here)
        further = sigmas[i + 1 : min(i + 3, steps)]
        mixed, ahead, level, last = d, x, here, d
        for sigma in further:
            ahead = ahead + last * (sigma - level)
            level, last = sigma, slope(ahead, model(ahead, sigma), sigma)
            mixed = mixed + (last - d) * (sigma / ((len(further) + 1) * sigmas[0]))
        x = x + mixed * (there - here)
    return x


def dpm_2(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, **churn: Unpack[Churn]
) -> Tensor:
    """The slope of the middle (in log sigma) for the whole step, as in DPM-Solver-2 (arXiv:2206.00927)."""
    steps = len(sigmas) - 1
    for i, there in enumerate(sigmas[1:]):
        x, here = churned(x, sigmas[i], steps, noise, **churn)
        d = slope(x, look(model, x, here, on_step, i), here)
        if there > 0:
            middle = midway(here, there)
            ahead = x + d * (middle - here)
            d = slope(ahead, model(ahead, middle), middle)
        x = x + d * (there - here)
    return x
