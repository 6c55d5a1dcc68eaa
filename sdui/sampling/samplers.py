"""Samplers: a denoiser, a start and a list of noise levels in; a sample out.

Everything is in the variance-exploding parametrisation of Karras et al. 2022 (arXiv:2206.00364):
x = image + sigma * unit noise. x [B,C,h,w]; sigmas [n+1], falling; `model(x, sigma) -> x0` of x's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
Noise = Callable[[Tensor, Tensor], Tensor]
"""(sigma, sigma_next) -> unit noise of x's shape for the way between the two levels."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a sampler knows after its first look at level `sigma`, before it moves on."""

    index: int
    sigma: Tensor
    x: Tensor
    denoised: Tensor


OnStep = Callable[[Step], None]


class SamplerFn(Protocol):
    def __call__(self, model: Denoiser, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: OnStep) -> Tensor: ...


def euler(model: Denoiser, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: OnStep) -> Tensor:
    """Algorithm 2 of Karras et al. 2022 without churn: first order, deterministic."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        on_step(Step(i, sigmas[i], x, denoised))
        slope = (x - denoised) / sigmas[i]
        x = x + slope * (sigmas[i + 1] - sigmas[i])
    return x


def ancestral_levels(here: Tensor, there: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """How far to step down and how much noise to add so that the level after both is `there`.

    eta 0 adds none, eta 1 as much as the reverse Markov chain of DDPM (arXiv:2006.11239) does.
    """
    up = torch.minimum(there, eta * (there**2 * (here**2 - there**2) / here**2).sqrt())
    return (there**2 - up**2).sqrt(), up


def euler_ancestral(
    model: Denoiser, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: OnStep, eta: float = 1.0
) -> Tensor:
    """Euler down to below the next level, then fresh noise up to it."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        on_step(Step(i, sigmas[i], x, denoised))
        down, up = ancestral_levels(sigmas[i], sigmas[i + 1], eta)
        x = x + (x - denoised) / sigmas[i] * (down - sigmas[i])
        if sigmas[i + 1] > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * up
    return x


def dpmpp_2m(model: Denoiser, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: OnStep) -> Tensor:
    """DPM-Solver++(2M), Algorithm 2 of Lu et al. 2022 (arXiv:2211.01095), in lambda = -log sigma."""
    before: Tensor | None = None
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        on_step(Step(i, sigmas[i], x, denoised))
        here, there = sigmas[i], sigmas[i + 1]
        if before is None or there == 0:
            target = denoised
        else:
            ratio = (sigmas[i - 1] / here).log() / (here / there).log()
            target = (1 + 1 / (2 * ratio)) * denoised - 1 / (2 * ratio) * before
        x = there / here * x + (1 - there / here) * target
        before = denoised
    return x


def dpmpp_sde(model: Denoiser, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: OnStep, eta: float = 1.0) -> Tensor:
    """DPM-Solver++ for the reverse SDE, two model calls a step with the middle at half the log-level (r = 1/2)."""
    for i in range(len(sigmas) - 1):
        here, there = sigmas[i], sigmas[i + 1]
        denoised = model(x, here)
        on_step(Step(i, here, x, denoised))
        if there == 0:
            x = denoised
            continue
        middle = (here.log() + (there.log() - here.log()) / 2).exp()
        down, up = ancestral_levels(here, middle, eta)
        x_middle = down / here * x + (1 - down / here) * denoised + noise(here, middle) * up
        denoised = model(x_middle, middle)
        down, up = ancestral_levels(here, there, eta)
        x = down / here * x + (1 - down / here) * denoised + noise(here, there) * up
    return x


def ddim(model: Denoiser, x: Tensor, sigmas: Tensor, *, noise: Noise, on_step: OnStep, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2020, arXiv:2010.02502, Eq. 12), rewritten from its variance-preserving form.

    There x' = x / sqrt(1 + sigma^2). The paper's noise of deviation eta * s becomes eta * s * sqrt(1 + sigma_next^2),
    which is just what `ancestral_levels` gives; the last level is above 0, as in the original implementation.
    """
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        on_step(Step(i, sigmas[i], x, denoised))
        down, up = ancestral_levels(sigmas[i], sigmas[i + 1], eta)
        x = denoised + (x - denoised) / sigmas[i] * down
        if eta > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * up
    return x
