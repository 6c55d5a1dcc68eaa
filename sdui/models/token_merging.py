"""Token merging for Stable Diffusion (Bolya and Hoffman 2023, arXiv:2303.17604): faster self-attention, less exact.

At the UNet's full resolution the tokens that are most like a neighbour on a grid of every second row and column are
averaged into it before self-attention, and get its result after it. The choice is without chance, as A1111 has it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Matching:
    """Which tokens go into which; indices along the N tokens of each picture."""

    targets: Tensor
    """[T], the grid."""
    kept: Tensor
    """[B,K,1], those beside the grid that stay."""
    moved: Tensor
    """[B,M,1], those beside the grid that are merged."""
    into: Tensor
    """[B,M,1], for each moved token where in `targets` it goes."""

    def merge(self, x: Tensor) -> Tensor:
        """[B,N,C] -> [B,K+T,C]."""
        targets = x.index_select(1, self.targets)
        moved = _take(x, self.moved)
        merged = targets.scatter_reduce(1, self.into.expand_as(moved), moved, "mean")
        return torch.cat([_take(x, self.kept), merged], dim=1)

    def unmerge(self, x: Tensor) -> Tensor:
        """[B,K+T,C] -> [B,N,C]."""
        targets, kept = x[:, -len(self.targets) :], x[:, : -len(self.targets)]
        moved = _take(targets, self.into)
        whole = x.new_empty(len(x), x.shape[1] + moved.shape[1], x.shape[2])
        whole.index_copy_(1, self.targets, targets)
        whole.scatter_(1, self.kept.expand_as(kept), kept)
        return whole.scatter_(1, self.moved.expand_as(moved), moved)


def match_tokens(x: Tensor, height: int, width: int, ratio: float) -> Matching | None:
    """Match the tokens x [B,height*width,C] by cosine; None when too few of them are there to merge any.

    ratio: share of all tokens to merge; those on the grid always stay.
    """
    targets, others = _grid(height, width, x.device)
    count = min(int(x.shape[1] * ratio), len(others))
    if not len(targets) or count <= 0:
        return None
    unit = x / (x * x).sum(dim=-1, keepdim=True).sqrt()
    likeness = unit.index_select(1, others) @ unit.index_select(1, targets).transpose(1, 2)
    into = likeness.argmax(dim=-1)
    order = likeness.amax(dim=-1).argsort(dim=-1, descending=True)
    moved, kept = order[:, :count], order[:, count:]
    return Matching(targets, others[kept][..., None], others[moved][..., None], into.gather(1, moved)[..., None])


@contextmanager
def merged_tokens(unet: Any, ratio: float) -> Generator[None]:
    """While it lasts, diffusers' `unet` merges this share of its tokens, 0..1, around self-attention."""
    with ExitStack() as hooks:
        merging = _Merging(ratio)
        hooks.callback(unet.register_forward_pre_hook(merging.see_size).remove)
        for block in unet.modules():
            if hasattr(block, "attn1"):
                hooks.callback(block.register_forward_pre_hook(merging.match).remove)
                hooks.callback(block.attn1.register_forward_pre_hook(merging.merge).remove)
                hooks.callback(block.attn1.register_forward_hook(merging.unmerge).remove)
        yield


class _Merging:
    """Hooks; blocks are run one after another, so one matching at a time is enough."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._size = 0, 0
        self._matching: Matching | None = None

    def see_size(self, unet: Any, args: tuple[Any, ...]) -> None:
        self._size = args[0].shape[2], args[0].shape[3]

    def match(self, block: Any, args: tuple[Any, ...]) -> None:
        height, width = self._size
        full = args[0].shape[1] == height * width
        self._matching = match_tokens(args[0], height, width, self._ratio) if full else None

    def merge(self, attention: Any, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return (self._matching.merge(args[0]), *args[1:]) if self._matching else None

    def unmerge(self, attention: Any, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        return self._matching.unmerge(output) if self._matching else None


def _grid(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The tokens at the top left of each whole square of two by two, and all others, each in reading order."""
    beside = torch.ones(height, width, dtype=torch.uint8, device=device)
    beside[: height // 2 * 2 : 2, : width // 2 * 2 : 2] = 0
    order = beside.flatten().argsort(stable=True)
    return order[: (height // 2) * (width // 2)], order[(height // 2) * (width // 2) :]


def _take(x: Tensor, indices: Tensor) -> Tensor:
    """[B,N,C], [B,M,1] -> [B,M,C]."""
    return x.gather(1, indices.expand(-1, -1, x.shape[2]))
