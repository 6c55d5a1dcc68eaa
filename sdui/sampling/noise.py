"""Random numbers: one generator per picture, so that a picture does not depend on its batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torchsde
from torch import Tensor


class ImageNoise:
    """Unit noise for a batch, drawn on the CPU in float32 and moved to `device`: equal on every machine."""

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], device: torch.device) -> None:
        """seeds: one per picture; shape: C, h, w of one latent."""
        self._seeds = list(seeds)
        self._shape = shape
        self._device = device
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw(self) -> Tensor:
        """The next noise of each picture's own sequence, [B,C,h,w]."""
        drawn = [torch.randn(self._shape, generator=generator) for generator in self._generators]
        return torch.stack(drawn).to(self._device)

    def fresh(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """The same as sampler noise: independent of the levels."""
        return self.draw()

    def brownian(self, sigmas: Tensor) -> BrownianNoise:
        return BrownianNoise(self._seeds, self._shape, sigmas, self._device)


class BrownianNoise:
    """Unit noise that belongs to an interval of levels: increments of one Brownian path per picture.

    Two samplers with other steps see the same path, so more steps refine a picture in place of changing it.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], sigmas: Tensor, device: torch.device) -> None:
        self._low, self._high = _rounded(sigmas[sigmas > 0].min()), _rounded(sigmas.max())
        self._device = device
        start = torch.zeros(shape)
        self._paths: list[Any] = [torchsde.BrownianTree(self._low, start, self._high, entropy=seed) for seed in seeds]

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """[B,C,h,w] for the way from the higher level `sigma` down to `sigma_next`."""
        begin, end = (min(max(_rounded(level), self._low), self._high) for level in (sigma_next, sigma))
        increments = torch.stack([path(begin, end) for path in self._paths])
        return (-increments / (sigma - sigma_next).sqrt().cpu()).to(self._device)


def _rounded(level: Tensor) -> float:
    """torchsde rounds to its tolerance of 1e-6, and warns where that leaves the path's range."""
    return round(float(level), 6)
