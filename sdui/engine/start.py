"""Where a sampler starts from: noise alone, or latents with noise on them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sdui.core.request import GenerationRequest
from sdui.sampling.registry import SamplerSpec

from .steps import PartialSteps


@dataclass(frozen=True, slots=True)
class Start:
    x: Tensor
    """[B,C,h,w] at the first level."""
    sigmas: list[float]
    """The levels to visit, falling."""
    all_sigmas: list[float]
    """Those and the ones before, which bound the Brownian path."""


def start_from_noise(noise: Tensor, sigmas: list[float], spec: SamplerSpec, request: GenerationRequest) -> Start:
    first = sigmas[0]
    unit = spec.variance_preserving or request.sampling.sgm_noise_multiplier
    return Start(noise * (unit_scale(first) if unit else first), sigmas, sigmas)


def start_from_latents(
    latents: Tensor, noise: Tensor, sigmas: list[float], spec: SamplerSpec, steps: PartialSteps, extra_noise: float
) -> Start:
    """The last part of the schedule. latents [1 or B,C,h,w], noise [B,C,h,w]; extra_noise is added unscaled."""
    if spec.variance_preserving:
        # The noise is that of the level before the first one visited: so the original implementation has it.
        visited = sigmas[len(sigmas) - max(steps.from_end, 1) :]
        before = sigmas[max(len(sigmas) - steps.from_end - 1, 0)]
        x = latents + noise * (before + extra_noise)
        return Start(x * (unit_scale(visited[0]) / unit_scale(before)), visited, sigmas)
    visited = sigmas[max(steps.schedule - steps.from_end - 1, 0) :]
    return Start(latents + noise * (visited[0] + extra_noise), visited, sigmas)


def unit_scale(sigma: float) -> float:
    """Deviation of unit data with noise of level sigma on it."""
    return (1 + sigma**2) ** 0.5
