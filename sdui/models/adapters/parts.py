"""The tensors of one layer's change in an adapter file, and what all kinds of change have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

Parts = Mapping[str, Tensor]
"""By LyCORIS' names, float32."""


class Delta(NamedTuple):
    values: Tensor
    """As many elements as the weight that it changes, but for what `fitted` says."""
    rank: int | None
    """What alpha is divided by; None where alpha counts for nothing."""


def added(weight: Tensor, delta: Delta, parts: Parts, strength: float) -> Tensor:
    """weight [out,in,...] float32 with the change at a strength. Raises RuntimeError where the shapes do not fit."""
    change = fitted(delta.values, weight)
    offset = _offset(parts, weight)
    if offset is not None:
        change = change + offset
    scale = _scale(delta.rank, parts)
    if "dora_scale" in parts:
        return torch.add(weight, _decomposed(weight, change * scale, parts["dora_scale"]) - weight, alpha=strength)
    return torch.add(weight, change, alpha=strength * scale)


def fitted(change: Tensor, weight: Tensor) -> Tensor:
    """In the weight's shape; a change of a plain checkpoint's first layer fits an inpainting one's, as in A1111."""
    if weight.ndim == 4 and weight.shape[1] == 9 and change.shape[1:2] == (4,):
        return pad(change.view(len(weight), 4, *weight.shape[2:]), (0, 0, 0, 0, 0, 5))
    return change.reshape(weight.shape)


def _scale(rank: int | None, parts: Parts) -> float:
    if "scale" in parts:
        return parts["scale"].item()
    return parts["alpha"].item() / rank if rank and "alpha" in parts else 1.0


def _offset(parts: Parts, weight: Tensor) -> Tensor | None:
    """LyCORIS' "bias" is no bias but a second change of the weight, whole or as coordinates and values."""
    if "bias" in parts:
        return parts["bias"].reshape(weight.shape)
    if "bias_indices" not in parts:
        return None
    size = [int(length) for length in parts["bias_size"]]
    sparse = torch.sparse_coo_tensor(parts["bias_indices"].long(), parts["bias_values"], size, check_invariants=True)
    return sparse.to_dense().reshape(weight.shape)


def _decomposed(weight: Tensor, change: Tensor, magnitude: Tensor) -> Tensor:
    """DoRA (arXiv:2402.09353): only the direction is changed, lengths are learned apart.

    LyCORIS has a length for each input, [1,in,...]; later versions of it and PEFT one for each output.
    """
    merged = weight + change
    of_inputs = magnitude.ndim > 1 and len(magnitude) == 1 and magnitude.numel() == weight.shape[1]
    kept = 1 if of_inputs else 0
    others = [axis for axis in range(weight.ndim) if axis != kept]
    shape = [-1 if axis == kept else 1 for axis in range(weight.ndim)]
    length = merged.square().sum(others, keepdim=True).sqrt()
    return merged * (magnitude.reshape(shape) / length)
