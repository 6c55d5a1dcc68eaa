"""Inpainting while sampling: what is not masked is held to the first picture at every step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sdui.core.stages import SoftInpainting
from sdui.sampling.levels import NoiseLevels, unit_scale
from sdui.sampling.samplers import Denoiser

from . import soft_inpainting


@dataclass(frozen=True, slots=True)
class Kept:
    latents: Tensor
    """[1 or B,C,h,w], of the first picture."""
    drawn: Tensor
    """[h,w]: 1 where a cell is drawn anew, 0 where it is kept."""
    soft: SoftInpainting | None

    def at_the_end(self, x: Tensor) -> Tensor:
        """Soft inpainting leaves the last mixing to the pixels."""
        return x if self.soft else self._mixed(x, 0.0)

    def after(self, denoiser: Denoiser) -> Denoiser:
        """Holds what the denoiser answers."""
        return lambda x, sigma: self._mixed(denoiser(x, sigma), sigma)

    def before(self, denoiser: Denoiser, levels: NoiseLevels) -> Denoiser:
        """Holds what the denoiser is asked about, as A1111 does for DDIM and its kin.

        There the clean picture stands beside noisy, variance-preserving latents, and what soft inpainting takes for
        the level is the timestep. The sampler's own x stays as it is: only the predicted noise is used.
        """

        def held(x: Tensor, sigma: float) -> Tensor:
            scale = unit_scale(sigma)
            asked = self._mixed(x / scale, levels.timestep(sigma)) * scale
            return x - asked + denoiser(asked, sigma)

        return held

    def _mixed(self, x: Tensor, level: float) -> Tensor:
        if self.soft:
            return soft_inpainting.blend(self.latents, x, self.drawn, level, self.soft)
        return self.latents * (1 - self.drawn) + x * self.drawn
