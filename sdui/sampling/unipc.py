"""UniPC of Zhao et al. 2023 (arXiv:2302.04867), multistep, predicting x0, in lambda = -log sigma."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .multistep import weighted
from .samplers import Denoiser, Noise, OnStep, look


class UniPCOptions(TypedDict, total=False):
    variant: str
    """B(h) as the paper's B1 ("bh1") or B2 ("bh2"), or coefficients that vary with the levels ("vary_coeff")."""
    order: int
    """At most the number of steps."""
    lower_order_final: bool


def unipc(
    model: Denoiser,
    x: Tensor,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    **options: Unpack[UniPCOptions],
) -> Tensor:
    """A predictor, and a corrector that needs no model call of its own; ends at the last level, which is above 0."""
    steps = len(sigmas) - 1
    most, lower_at_end = min(options.get("order", 3), steps), options.get("lower_order_final", True)
    images: list[Tensor] = []
    before, move = x, None
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        if move is not None:
            x = move.corrected(before, images, denoised)
        images = [denoised, *images[: most - 1]]
        order = _order(i + 1, steps, most, lower_at_end)
        past = [-math.log(sigmas[i - k]) for k in range(order)]
        move = _move(past, -math.log(there), options.get("variant", "bh1"))
        before, x = x, move.predicted(x, images)
    return x


def _order(step: int, steps: int, most: int, lower_at_end: bool) -> int:
    """Of the step-th step, counted from 1: as many earlier images as there are, fewer at the end."""
    if step < most:
        return step
    return min(most, steps + 1 - step) if lower_at_end else most


@dataclass(frozen=True, slots=True)
class _Move:
    """One step: exact for a constant image, and weights of how the image has changed and will have changed."""

    h: float
    """Length in lambda."""
    shares: tuple[float, ...]
    """Where the earlier images are, in units of the step; below 0, newest first."""
    predictor: list[float]
    corrector: list[float]
    """Of the earlier images' changes, and, last, of the change at the step's end."""

    def predicted(self, x: Tensor, images: Sequence[Tensor]) -> Tensor:
        """images: x0 of the levels up to here, newest first."""
        changes = self._changes(images)
        base = self._base(x, images[0])
        return base - weighted(changes, self.predictor) if changes else base

    def corrected(self, x: Tensor, images: Sequence[Tensor], ahead: Tensor) -> Tensor:
        """ahead: x0 at the step's end, as seen from where the predictor led."""
        changes = [*self._changes(images), ahead - images[0]]
        return self._base(x, images[0]) - weighted(changes, self.corrector)

    def _base(self, x: Tensor, image: Tensor) -> Tensor:
        return image + (x - image) * math.exp(-self.h)

    def _changes(self, images: Sequence[Tensor]) -> list[Tensor]:
        return [(image - images[0]) / share for image, share in zip(images[1:], self.shares, strict=False)]


def _move(past: Sequence[float], end: float, variant: str) -> _Move:
    """past: lambda of the levels up to here, newest first, as many as the order; end: lambda of the next level."""
    h = end - past[0]
    shares = [(earlier - past[0]) / h for earlier in past[1:]]
    phis = _phis(-h, len(past) + 1)
    make = _varying if variant == "vary_coeff" else _by_b2 if variant == "bh2" else _by_b1
    return _Move(h, tuple(shares), *make(np.array([*shares, 1.0]), h, phis))


def _phis(z: float, count: int) -> list[float]:
    """exp(z) without the first terms of its series, each divided once more by z."""
    phis, factorial = [math.expm1(z)], 1
    for k in range(1, count):
        phis.append(phis[-1] / z - 1 / factorial)
        factorial *= k + 1
    return phis


def _by_b1(nodes: NDArray[np.float64], h: float, phis: Sequence[float]) -> tuple[list[float], list[float]]:
    return _by_function(nodes, -h, phis)


def _by_b2(nodes: NDArray[np.float64], h: float, phis: Sequence[float]) -> tuple[list[float], list[float]]:
    return _by_function(nodes, math.expm1(-h), phis)


def _by_function(nodes: NDArray[np.float64], b: float, phis: Sequence[float]) -> tuple[list[float], list[float]]:
    """Theorem 3.1, with the orders at which the paper takes 1/2 for what its equations give."""
    order = len(nodes)
    matrix = np.stack([nodes**k for k in range(order)])
    target = np.array([phis[k + 1] * math.factorial(k + 1) for k in range(order)])
    corrector = np.linalg.solve(matrix, target) if order > 1 else np.array([b / 2])
    predictor = np.linalg.solve(matrix[:-1, :-1], target[:-1]) if order > 2 else np.full(order - 1, b / 2)
    return predictor.tolist(), corrector.tolist()


def _varying(nodes: NDArray[np.float64], h: float, phis: Sequence[float]) -> tuple[list[float], list[float]]:
    """Appendix C. The change at the step's end counts once, by the last but one row, as in the authors' code."""
    order = len(nodes)
    matrix = np.stack([nodes**k / math.factorial(k + 1) for k in range(order)], axis=1)
    inverse = np.linalg.inv(matrix)
    rows = np.array(phis[1:order])
    predictor, corrector = rows @ np.linalg.inv(matrix[:-1, :-1]), rows @ inverse[:-1, :-1]
    return predictor.tolist(), [*corrector.tolist(), float(phis[order] * inverse[max(order - 2, 0), -1])]
