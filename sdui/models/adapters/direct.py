"""Changes given outright: full differences, those of norms, and (IA)^3's factors (arXiv:2205.05638)."""

from __future__ import annotations

from torch import Tensor

from .parts import Delta, Parts


def full(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    return Delta(parts["diff"], None)


def norm(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    return Delta(parts["w_norm"], None)


def factors(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    """A factor for each input or output channel, of which 0 changes nothing."""
    shape = [1] * weight.ndim
    shape[1 if parts["on_input"].item() else 0] = -1
    return Delta(weight * parts["weight"].reshape(shape), None)
