"""Samplers from the variance-preserving world (DDPM's): one step between two training timesteps.

There x' = x / sqrt(1 + sigma^2) is what is stored; in x itself the slope is the network's noise and a step is Euler's.
They end at the last level, which is above 0, as the original implementations do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .ancestral import ancestral_levels
from .multistep import adams_bashforth, weighted
from .samplers import Denoiser, Noise, OnStep, look, slope


def ddim(
    model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep, eta: float = 0.0
) -> Tensor:
    """DDIM (Song et al. 2020, arXiv:2010.02502, Eq. 12).

    The paper's noise of deviation eta * s becomes eta * s * sqrt(1 + sigma_next^2), which is just what
    `ancestral_levels` gives.
    """
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        down, up = ancestral_levels(here, there, eta)
        x = denoised + slope(x, denoised, here) * down
        if eta > 0:
            x = x + noise(here, there) * up
    return x


def ddim_cfgpp(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    uncond: Callable[[], Tensor],
    eta: float = 0.0,
) -> Tensor:
    """CFG++ (Chung et al. 2024, arXiv:2406.08070): the guided image, renoised with the negative prompt's noise.

    uncond: what the negative prompt made of the last look, x0.
    """
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        down, up = ancestral_levels(here, there, eta)
        x = denoised + slope(x, uncond(), here) * down
        if eta > 0:
            x = x + noise(here, there) * up
    return x


def plms(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """PLMS, the pseudo linear multistep of Liu et al. 2022 (arXiv:2202.09778), begun by an improved Euler."""
    slopes: list[Tensor] = []
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        slopes = [slope(x, look(model, x, here, on_step, i), here), *slopes[:3]]
        if i == 0:
            ahead = x + slopes[0] * (there - here)
            mixed = (slopes[0] + slope(ahead, model(ahead, there), there)) / 2
        else:
            mixed = weighted(slopes, adams_bashforth(len(slopes)))
        x = x + mixed * (there - here)
    return x
