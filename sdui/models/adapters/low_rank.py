"""Changes that are a product of thin matrices: LoRA (arXiv:2106.09685), its form for convolutions, LoHa, LoKr, GLoRA.

Names and formulas of the tensors are LyCORIS' (arXiv:2309.14859); CP decomposition is what it calls tucker.
All functions take a weight [out,in,...] in float32 and give a change of as many elements, before scale and strength.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .parts import Delta, Parts


def lora(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    """up @ down; with `lora_mid`, CP decomposition over a convolution's window. `rank` leaves out the rest."""
    up, down, mid = parts["lora_up.weight"].flatten(1), parts["lora_down.weight"], parts.get("lora_mid.weight")
    if mid is None:
        return Delta(up[:, :rank] @ down.flatten(1)[:rank], len(down))
    return Delta(_over_window(mid, up, down.flatten(1).T), len(down))


def hadamard(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    """LoHa: the elementwise product of two low-rank changes (FedPara, arXiv:2108.06098)."""
    first, second = (
        _factored(parts[f"hada_{w}_a"], parts[f"hada_{w}_b"], parts.get(f"hada_{t}"))
        for w, t in (("w1", "t1"), ("w2", "t2"))
    )
    return Delta(first * second.view(first.shape), len(parts["hada_w1_b"]))


def kronecker(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    """LoKr: the Kronecker product of a small matrix with a larger one, each whole or low-rank."""
    first, rank1 = _whole_or_factored(parts, "lokr_w1", None)
    second, rank2 = _whole_or_factored(parts, "lokr_w2", parts.get("lokr_t2"))
    first = first.view(*first.shape, *(1 for _ in second.shape[2:]))
    return Delta(torch.kron(first, second.contiguous()), rank2 or rank1)


def generalized(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    """GLoRA (arXiv:2306.07967) without its biases: W A + B, A and B low-rank. Its alpha counts for nothing in A1111."""
    a1, a2, b1, b2 = (parts[f"{name}.weight"].flatten(1) for name in ("a1", "a2", "b1", "b2"))
    return Delta(b2 @ b1 + (weight.flatten(1) @ a2) @ a1, None)


def _whole_or_factored(parts: Parts, name: str, core: Tensor | None) -> tuple[Tensor, int | None]:
    """With its rank, None for a whole matrix."""
    if name in parts:
        return parts[name], None
    a, b = parts[f"{name}_a"], parts[f"{name}_b"]
    return _factored(a, b, core), len(b)


def _factored(a: Tensor, b: Tensor, core: Tensor | None) -> Tensor:
    """a [out,r] @ b [r,in,...]; with a core [r,r,...], `a` lies the other way round, [r,out]."""
    if core is None:
        return (a.flatten(1) @ b.flatten(1)).view(len(a), *b.shape[1:])
    return _over_window(core, a.T, b.T)


def _over_window(core: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """core [r,s,h,w], left [out,r], right [in,s] -> [out,in,h,w]."""
    return torch.einsum("rshw,or,is->oihw", core, left, right)
