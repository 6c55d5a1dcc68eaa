"""Random numbers: one generator per picture, so that a picture does not depend on its batch.

The rules are A1111's: which seed is drawn from in which order, how a variation is mixed in, how another size's noise is
pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .brownian import BrownianNoise, BrownianPath
from .philox import Philox

Shape = tuple[int, ...]
Normal = Callable[[Shape], Tensor]
"""The next unit noise of a sequence, float32."""

_SAME_DIRECTION = 0.9995


@dataclass(frozen=True, slots=True)
class Variation:
    """What changes a seed's noise."""

    source: str = "GPU"
    """Where numbers are drawn: on the device (GPU), or on the CPU with torch's generator (CPU) or a GeForce's (NV)."""
    subseeds: tuple[int, ...] = ()
    """One per picture; needed where `strength` is not 0."""
    strength: float = 0.0
    """0 is the seed's noise alone, 1 the subseed's."""
    resize_from: tuple[int, int] = (0, 0)
    """h, w in latent cells of the noise that is pasted into the middle; off where one of them is 0."""
    ensd: int = 0
    """Added to the seeds of everything after the first draw; give 0 for samplers that do not use it."""


class ImageNoise:
    """Unit noise for a batch [B,C,h,w]; picture k of any batch gets what its seed alone gets."""

    def __init__(
        self,
        seeds: Sequence[int],
        shape: tuple[int, int, int],
        device: torch.device,
        variation: Variation | None = None,
    ) -> None:
        """seeds: one per picture, 0 to 2^63 - 1; shape: C, h, w of one latent."""
        self._seeds = list(seeds)
        self._shape = shape
        self._device = device
        self._variation = variation or Variation()
        self._sequences: list[Normal] = []

    def draw(self) -> Tensor:
        """The next noise of each picture's own sequence; only the first one is varied and resized."""
        drawn = [draw(self._shape) for draw in self._sequences] if self._sequences else self._first()
        return torch.stack(drawn).to(self._device)

    def fresh(self, sigma: float, sigma_next: float) -> Tensor:
        """The same as sampler noise: independent of the levels."""
        return self.draw()

    def brownian(self, low: float, high: float, per_image: bool = True) -> BrownianNoise:
        """Noise for ways between levels from `low` > 0 to `high`.

        A path per picture, or with `per_image` off one for the whole batch, which then changes with the batch's size;
        its seed is drawn as k-diffusion does it from torch's generator, which the last picture's seed has just set.
        """
        if per_image:
            seeds, shape = self._seeds, (1, *self._shape)
        else:
            generator = torch.Generator().manual_seed(self._seeds[-1])
            seeds = [int(torch.randint(0, 2**63 - 1, (), generator=generator))]
            shape = (len(self._seeds), *self._shape)

        def normal(seed: int) -> Tensor:
            return self._sequence(seed)(shape)

        return BrownianNoise([BrownianPath(low, high, seed, normal) for seed in seeds], self._device)

    def _first(self) -> list[Tensor]:
        self._sequences = [self._sequence(seed) for seed in self._seeds]
        drawn = [self._varied(index) for index in range(len(self._seeds))]
        if delta := self._variation.ensd:
            self._sequences = [self._sequence(seed + delta) for seed in self._seeds]
        return drawn

    def _varied(self, index: int) -> Tensor:
        """A picture's first noise, [C,h,w]."""
        variation, own, draw = self._variation, self._shape, self._sequences[index]
        shape = (own[0], *variation.resize_from) if all(side > 0 for side in variation.resize_from) else own
        # A pasted noise begins the seed's sequence anew: what is around it then begins with the same numbers.
        noise = draw(own) if shape == own else self._sequence(self._seeds[index])(shape)
        if variation.strength:
            noise = slerp(variation.strength, noise, self._sequence(variation.subseeds[index])(shape))
        return noise if shape == own else pasted(noise, draw(own))

    def _sequence(self, seed: int) -> Normal:
        if self._variation.source == "NV":
            philox = Philox(seed)
            return lambda shape: torch.from_numpy(philox.normal(shape))
        # Apple's generator is not used: A1111 draws on the CPU there.
        on_device = self._variation.source == "GPU" and self._device.type != "mps"
        device = self._device if on_device else torch.device("cpu")
        generator = torch.Generator(device).manual_seed(seed)
        return lambda shape: torch.randn(shape, generator=generator, device=device)


def slerp(share: float, low: Tensor, high: Tensor) -> Tensor:
    """Spherical interpolation of two noises [C,h,w] as A1111 has it: 0 is `low`, 1 is `high`.

    Directions are those of the columns of each channel. Where the two are nearly the same direction it is linear, with
    the roles swapped.
    """
    directions: list[Tensor] = [noise / noise.norm(dim=1, keepdim=True) for noise in (low, high)]
    cosine = (directions[0] * directions[1]).sum(1)
    if cosine.mean() > _SAME_DIRECTION:
        return low * share + high * (1 - share)
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    # Parallel columns, which few rows often have, span no angle: acos and the quotient would give NaN.
    apart = cosine.abs() < 1
    of_low, of_high = (torch.where(apart, torch.sin(part * angle) / sine, part) for part in (1.0 - share, share))
    return of_low.unsqueeze(1) * low + of_high.unsqueeze(1) * high


def pasted(noise: Tensor, onto: Tensor) -> Tensor:
    """`noise` [C,a,b] in the middle of `onto` [C,h,w], cut where it is larger."""
    (top, rows, from_top), (left, columns, from_left) = (
        _overlap(inner, outer) for inner, outer in zip(noise.shape[1:], onto.shape[1:], strict=True)
    )
    inside = noise[:, from_top : from_top + rows, from_left : from_left + columns]
    onto[:, top : top + rows, left : left + columns] = inside
    return onto


def _overlap(inner: int, outer: int) -> tuple[int, int, int]:
    """Where a centred side begins in the outer one, how long the overlap is, where it begins in the inner one."""
    before = (outer - inner) // 2
    return max(before, 0), inner + 2 * min(before, 0), max(-before, 0)
