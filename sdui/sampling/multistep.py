"""Deterministic multistep samplers: one model call a step, earlier ones used again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from .samplers import Denoiser, Noise, OnStep, look, slope

_GAUSS_4 = (
    (-0.8611363115940526, 0.3478548451374538),
    (-0.3399810435848563, 0.6521451548625461),
    (0.3399810435848563, 0.6521451548625461),
    (0.8611363115940526, 0.3478548451374538),
)
"""Nodes and weights of Gauss-Legendre quadrature on -1..1; exact for polynomials up to degree 7."""
_ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""By order: the weights of the last slopes, newest first, for steps of equal length."""


def weighted(slopes: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Sum of slopes, newest first, each by its weight; those without a weight are left out."""
    total = slopes[0] * weights[0]
    for d, weight in zip(slopes[1:], weights[1:], strict=False):
        total = total + d * weight
    return total


def adams_bashforth(order: int) -> Sequence[float]:
    """The weights of the last `order` slopes (1..4), newest first, for steps of equal length."""
    return _ADAMS_BASHFORTH[order - 1]


def dpmpp_2m(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """DPM-Solver++(2M), Algorithm 2 of Lu et al. 2022 (arXiv:2211.01095), in lambda = -log sigma."""
    before: Tensor | None = None
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        denoised = look(model, x, here, on_step, i)
        target = denoised
        if before is not None and there > 0:
            ratio = math.log(sigmas[i - 1] / here) / math.log(here / there)
            target = denoised + (denoised - before) / (2 * ratio)
        x = target + (x - target) * (there / here)
        before = denoised
    return x


def lms(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """Linear multistep: the polynomial through the last four slopes, integrated over the step."""
    slopes: list[Tensor] = []
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        slopes = [slope(x, look(model, x, here, on_step, i), here), *slopes[:3]]
        past = sigmas[i + 1 - len(slopes) : i + 1][::-1]
        x = x + weighted(slopes, _integrals(past, here, there))
    return x


def _integrals(nodes: Sequence[float], start: float, end: float) -> list[float]:
    """Of the Lagrange polynomials over `nodes`, from `start` to `end`."""
    middle, half = (start + end) / 2, (end - start) / 2
    return [
        half * sum(weight * _lagrange(nodes, j, middle + half * at) for at, weight in _GAUSS_4)
        for j in range(len(nodes))
    ]


def _lagrange(nodes: Sequence[float], j: int, at: float) -> float:
    """The polynomial that is 1 at nodes[j] and 0 at the others."""
    return math.prod((at - node) / (nodes[j] - node) for k, node in enumerate(nodes) if k != j)


def ipndm(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """iPNDM of Zhang and Chen 2022 (arXiv:2204.13902): Adams-Bashforth as if all steps had one length."""
    slopes: list[Tensor] = []
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        slopes = [slope(x, look(model, x, here, on_step, i), here), *slopes[:3]]
        x = x + weighted(slopes, adams_bashforth(len(slopes))) * (there - here)
    return x


def ipndm_v(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """iPNDM with weights for steps of unequal length, after zju-pi/diff-sampler, which Forge uses."""
    slopes: list[Tensor] = []
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        slopes = [slope(x, look(model, x, here, on_step, i), here), *slopes[:3]]
        lengths = [b - a for a, b in pairwise(sigmas[i + 1 - len(slopes) : i + 2])][::-1]
        x = x + weighted(slopes, _unequal_weights(lengths)) * (there - here)
    return x


def _unequal_weights(lengths: Sequence[float]) -> list[float]:
    """Of the last slopes, newest first; lengths: of this step and those before it.

    Newton's form: each further slope adds a divided difference. The second difference's factor is the published one,
    exact for steps of equal length only; with the exact one the method would be LMS. The third difference is the true
    one: with the published weights, which do not add up to 1, steps of uneven lengths lead astray.
    """
    h = lengths[0]
    weights = [1.0, 0.0, 0.0, 0.0]
    if len(lengths) > 1:
        h1 = lengths[1]
        _add(weights, h / h1 / 2, (1.0, -1.0))
    if len(lengths) > 2:
        h1, h2 = lengths[1:3]
        near = h1 / h2
        second = (1.0, -1 - near, near)
        share = h / (3 * (h + h1))
        reach = h * (h + h1) / (h1 * (h1 + h2))
        _add(weights, (1 - share * reach) / 2, second)
        if len(lengths) > 3:
            h3 = lengths[3]
            far = h1 * (h1 + h2) / (h2 * (h2 + h3))
            third = (1.0, -1 - near - far, near + far * (1 + h2 / h3), -far * h2 / h3)
            factor = (1 - share) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))
            _add(weights, factor * reach * (h + h1 + h2) / (h1 + h2 + h3), third)
    return weights[: len(lengths)]


def _add(weights: list[float], factor: float, difference: Sequence[float]) -> None:
    for k, part in enumerate(difference):
        weights[k] += factor * part


class _DiffusionTime:
    """The time t in 0..1 of a variance-preserving process that is at the levels 0.002 at t = 0.001 and 80 at t = 1.

    sigma^2 + 1 = exp(slope t^2 / 2 + start t). DEIS fits polynomials in this t.
    """

    def __init__(self) -> None:
        lowest, highest, first = 0.002, 80.0, 1e-3
        low, high = math.log1p(lowest**2), math.log1p(highest**2)
        self._slope = 2 * (low / first - high) / (first - 1)
        self._start = high - self._slope / 2

    def of(self, sigma: float) -> float:
        return (math.sqrt(self._start**2 + 2 * self._slope * math.log1p(sigma**2)) - self._start) / self._slope

    def speed(self, t: float) -> float:
        """d sigma / d t."""
        exponent = self._slope * t * t / 2 + self._start * t
        return math.exp(exponent) * (self._slope * t + self._start) / (2 * math.sqrt(math.expm1(exponent)))


def deis(model: Denoiser, x: Tensor, sigmas: Sequence[float], *, noise: Noise, on_step: OnStep) -> Tensor:
    """tAB3-DEIS of Zhang and Chen 2022 (arXiv:2204.13902): parabolas in diffusion time through the last slopes."""
    clock = _DiffusionTime()
    slopes: list[Tensor] = []
    for i, there in enumerate(sigmas[1:]):
        here = sigmas[i]
        slopes = [slope(x, look(model, x, here, on_step, i), here), *slopes[:2]]
        if there == 0 or len(slopes) == 1:
            x = x + slopes[0] * (there - here)
            continue
        past = [clock.of(sigma) for sigma in sigmas[i + 1 - len(slopes) : i + 1]][::-1]
        x = x + weighted(slopes, _timed_integrals(clock, past, clock.of(there)))
    return x


def _timed_integrals(clock: _DiffusionTime, times: Sequence[float], end: float) -> list[float]:
    """Of the Lagrange polynomials in t over `times`, by d sigma, from the newest time to `end`, in short pieces."""
    pieces = 16
    length = (end - times[0]) / pieces
    sums = [0.0] * len(times)
    for piece in range(pieces):
        middle = times[0] + length * (piece + 0.5)
        for at, weight in _GAUSS_4:
            t = middle + length / 2 * at
            step = weight * length / 2 * clock.speed(t)
            for j in range(len(times)):
                sums[j] += step * _lagrange(times, j, t)
    return sums
