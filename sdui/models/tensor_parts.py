"""Reading a model file part by part: how large its tensors are does not matter to memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from .weights import TYPES, Weights

PART = 2**18
"""Numbers that are read at once."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a tensor takes."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.count * self.dtype.itemsize


class TensorReader:
    """Parts of the tensors of one model, of any format. Only bare pickles must be held whole."""

    def __init__(self, path: Path) -> None:
        """Raises ModelFileError, naming the file."""
        self.path = path
        self._weights = Weights(path)
        header = self._weights.header
        self.slots = {name: Slot(TYPES[header.dtypes[name]], shape) for name, shape in header.shapes.items()}
        self.metadata: Mapping[str, str] = header.metadata

    def parts(self, name: str) -> Iterator[Tensor]:
        """The tensor's numbers in their order, at most `PART` of them at once, each part [n]. Raises ModelFileError."""
        count = self.slots[name].count
        for start in range(0, count, PART):
            yield self._weights.numbers(name, start, min(start + PART, count))

    def whole(self, name: str) -> Tensor:
        """Raises ModelFileError."""
        return self._weights.tensor(name)
