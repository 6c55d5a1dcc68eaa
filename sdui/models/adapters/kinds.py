"""The kinds of change that adapter files hold, told apart by the names of their tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from . import direct, low_rank, orthogonal
from .parts import Delta, Parts, added

Change = Callable[[Tensor, Parts, "int | None"], Delta]
"""(weight [out,in,...] float32, tensors, how much of the rank is used) -> its change, before scale and strength."""


class Changed(NamedTuple):
    weight: Tensor | None
    bias: Tensor | None


_KINDS: tuple[tuple[tuple[str, ...], Change], ...] = (
    (("lora_up.weight", "lora_down.weight"), low_rank.lora),
    (("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"), low_rank.hadamard),
    (("a1.weight", "a2.weight", "b1.weight", "b2.weight"), low_rank.generalized),
    (("weight", "on_input"), direct.factors),
    (("lokr_w1", "lokr_w2"), low_rank.kronecker),
    (("diff",), direct.full),
    (("w_norm",), direct.norm),
    (("oft_blocks",), orthogonal.orthogonal),
    (("oft_diag",), orthogonal.orthogonal),
)
_BIASES = ("diff_b", "b_norm")


def changed(weight: Tensor, bias: Tensor | None, parts: Parts, strength: float, rank: int | None) -> Changed | None:
    """weight [out,in,...] and bias [out], float32; None for tensors of no kind that is known.

    Raises RuntimeError where the shapes do not fit.
    """
    change = _kind_of(parts)
    given = next((parts[name] for name in _BIASES if name in parts), None)
    if change is None and given is None:
        return None
    new = None if change is None else added(weight, change(weight, parts, rank), parts, strength)
    if given is None:
        return Changed(new, None)
    given = given.reshape(len(weight)) * strength
    return Changed(new, given if bias is None else bias + given)


def _kind_of(parts: Parts) -> Change | None:
    return next((kind for names, kind in _KINDS if all(_has(parts, name) for name in names)), None)


def _has(parts: Parts, name: str) -> bool:
    """LoKr's matrices may each be whole or in two factors."""
    return name in parts or (name.startswith("lokr_") and f"{name}_a" in parts and f"{name}_b" in parts)
