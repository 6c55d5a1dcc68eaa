"""What a model file holds and where it lies: every format is brought into this form before any weights are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdui.core.errors import ModelFileError

DTYPE_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U64": 8,
    "U32": 4,
    "U16": 2,
    "U8": 1,
    "BOOL": 1,
}
"""Bytes of one number by the names that safetensors has for types."""

Shape = tuple[int, ...]
Version = tuple[int, int]
"""Size and time of change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """So many bytes of a file."""

    file: Path
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the numbers of one tensor lie: the bytes of its parts, one after the other, little-endian."""

    dtype: str
    shape: Shape
    parts: tuple[Part, ...]
    strides: Shape | None = None
    """In numbers; None when the rows simply follow each other."""

    def between(self, first: int, last: int) -> tuple[Part, ...]:
        """Where its bytes from `first` to before `last` lie."""
        found: list[Part] = []
        for part in self.parts:
            begin, end = max(first, 0), min(last, part.size)
            if begin < end:
                found.append(Part(part.file, part.start + begin, end - begin))
            first, last = first - part.size, last - part.size
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Contents:
    places: Mapping[str, Place]
    """By the tensors' names."""
    metadata: Mapping[str, str]
    versions: Mapping[Path, Version]
    """Of the files that the places are in, when they were looked at."""
    at_once: bool = False
    """The format does not say where a tensor lies: it can only be read as a whole, by `pickles.read_at_once`."""


def size_in_bytes(dtype: str, shape: Iterable[int]) -> int:
    return DTYPE_BYTES[dtype] * math.prod(shape)


def version_of(path: Path) -> Version:
    """Raises ModelFileError."""
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    return stat.st_size, stat.st_mtime_ns
