"""Where a sampler starts from: noise alone, or latents with noise on them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sdui.core.sampling_options import SamplingOptions
from sdui.sampling.levels import NoiseLevels, unit_scale
from sdui.sampling.spec import SamplerSpec

from .steps import PartialSteps


@dataclass(frozen=True, slots=True)
class Start:
    x: Tensor
    """[B,C,h,w] at the first level."""
    sigmas: list[float]
    """The levels to visit, falling."""
    all_sigmas: list[float]
    """Those and the ones before, which bound the Brownian path."""
    steps: int
    """As A1111 counts them, for shares of the pass; the sampler may make one more or fewer."""


@dataclass(frozen=True, slots=True)
class Course:
    """A sampler on a schedule, for one checkpoint's levels."""

    spec: SamplerSpec
    schedule: str
    levels: NoiseLevels
    options: SamplingOptions

    def from_noise(self, noise: Tensor, steps: int) -> Start:
        sigmas = self._sigmas(steps)
        return Start(noise * self.spec.noise_scale(sigmas[0], self.options), sigmas, sigmas, steps)

    def from_latents(self, latents: Tensor, noise: Tensor, steps: PartialSteps, extra_noise: float) -> Start:
        """The last part of the schedule. latents [1 or B,C,h,w], noise [B,C,h,w]; extra_noise is added unscaled."""
        way = self.spec.picture_sigmas(self.schedule, steps.schedule, steps.from_end, self.levels, self.options)
        x = latents + noise * (way.start + extra_noise)
        if self.spec.variance_preserving:
            # What was made at one level is handed over at the next without rescaling: so the original has it.
            x = x * (unit_scale(way.sigmas[0]) / unit_scale(way.start))
        return Start(x, way.sigmas, self._sigmas(steps.schedule), steps.from_end + 1)

    def _sigmas(self, steps: int) -> list[float]:
        return self.spec.sigmas(self.schedule, steps, self.levels, self.options)
