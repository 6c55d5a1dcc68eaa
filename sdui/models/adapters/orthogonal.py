"""Changes that turn a weight's outputs: OFT (arXiv:2306.07280) of kohya and of LyCORIS, BOFT (arXiv:2311.06243)."""

from __future__ import annotations

import torch
from torch import Tensor

from .parts import Delta, Parts

_NONZERO = 1e-8


def orthogonal(weight: Tensor, parts: Parts, rank: int | None) -> Delta:
    """R W - W; R turns the outputs block by block, in several layers of differently chosen blocks for BOFT.

    `oft_diag` [blocks,b,b] holds the rotations themselves; `oft_blocks` matrices whose skew part gives them.
    """
    if "oft_diag" in parts:
        turned = _turned(weight, parts["oft_diag"])
    else:
        blocks = _rotations(parts["oft_blocks"], parts.get("alpha"), len(weight))
        turned = _turned(weight, blocks) if blocks.ndim == 3 else _in_butterflies(weight, blocks)
    if "rescale" in parts:
        turned = turned * parts["rescale"].reshape(-1, *(1 for _ in weight.shape[1:]))
    return Delta(turned - weight, None)


def _rotations(blocks: Tensor, alpha: Tensor | None, outputs: int) -> Tensor:
    """Cayley's transform (I + Q)(I - Q)^-1 of the skew parts; `alpha` times `outputs` limits Q's norm, 0 does not."""
    skew = blocks - blocks.mT
    limit = 0.0 if alpha is None else alpha.item() * outputs
    if limit:
        norm = skew.square().sum().sqrt()
        skew = skew * ((norm.clamp(max=limit) + _NONZERO) / (norm + _NONZERO))
    eye = torch.eye(blocks.shape[-1], device=blocks.device)
    return (eye + skew) @ (eye - skew).inverse()


def _turned(weight: Tensor, blocks: Tensor) -> Tensor:
    """R^T W for R of blocks [n,b,b] along its diagonal, as both kohya and LyCORIS multiply."""
    rows = weight.reshape(len(blocks), blocks.shape[1], -1)
    return (blocks.mT @ rows).reshape(weight.shape)


def _in_butterflies(weight: Tensor, layers: Tensor) -> Tensor:
    """layers [m,n,b,b]: the i-th turns groups of outputs that lie 2^i * b/2 apart."""
    size = layers.shape[-1]
    turned = weight.reshape(len(weight), -1)
    for i, blocks in enumerate(layers):
        stride = 2**i * size // 2
        apart = turned.reshape(-1, 2, stride, turned.shape[1]).transpose(1, 2)
        rows = blocks @ apart.reshape(len(blocks), size, -1)
        turned = rows.reshape(apart.shape).transpose(1, 2).reshape(turned.shape)
    return turned.reshape(weight.shape)
