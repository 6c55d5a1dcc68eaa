"""The weights of one model, read from its files where and as they are needed.

Nothing is mapped into memory: a file that is cut short or written anew while it is read gives an error, not a crash,
and what is loaded stays as it is. Each tensor is read straight to where it stays; one of another type passes through a
small buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError

from .contents import Part, Place, Shape, version_of
from .header import Header, header_of, read_contents

TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_BUFFER = 4 * 2**20
"""Bytes that are converted at a time; they stay in the processor's cache between reading and converting."""
_SHARE = 32 * 2**20
"""Bytes that one thread reads at a time."""
_THREADS = 4


class Weights:
    """Names and shapes at once, tensors when they are asked for."""

    def __init__(self, path: Path) -> None:
        """path: a file of any format, or a folder of diffusers. Raises ModelFileError, naming the file."""
        self.path = path
        self._contents = read_contents(path)
        self.header: Header = header_of(self._contents)
        self._held: Mapping[str, Tensor] | None = None

    @property
    def shapes(self) -> Mapping[str, Shape]:
        return self.header.shapes

    def tensor(self, name: str) -> Tensor:
        """In its own type, on the CPU, the caller's to change. Raises ModelFileError, KeyError for an unknown name."""
        return self._read([name], torch.device("cpu"), None)[name]

    def numbers(self, name: str, start: int, stop: int) -> Tensor:
        """Some of a tensor's numbers in their order, [stop - start] in its own type. Raises ModelFileError."""
        place = self._contents.places[name]
        if self._contents.at_once:
            return self._all_at_once()[name].reshape(-1)[start:stop]
        if place.strides is not None:
            return self.tensor(name).reshape(-1)[start:stop]
        dtype = TYPES[place.dtype]
        made = torch.empty(stop - start, dtype=dtype)
        try:
            with _OpenFiles() as files:
                files.fill(made, place.between(start * dtype.itemsize, stop * dtype.itemsize))
        except OSError as error:
            raise ModelFileError(f"{self.path} could not be read to its end: {error}") from error
        return made

    def read(self, prefix: str, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """All tensors whose names begin with `prefix`, under their full names; whole numbers keep their type.

        Raises ModelFileError.
        """
        return self._read([name for name in self.shapes if name.startswith(prefix)], device, dtype)

    def _read(self, names: Sequence[str], device: torch.device, dtype: torch.dtype | None) -> dict[str, Tensor]:
        places = {name: self._contents.places[name] for name in names}
        if self._contents.at_once:
            held = self._all_at_once()
            return {name: held[name].to(device, _type_for(places[name], dtype), copy=True) for name in names}
        self._check_unchanged(places)
        target = _Target(device, dtype)
        found: dict[str, Tensor] = {}
        with ThreadPoolExecutor(_THREADS) as pool:
            try:
                for share in pool.map(target.read, _shares(places)):
                    found |= share
            except OSError as error:
                raise ModelFileError(f"{self.path} could not be read to its end: {error}") from error
            finally:
                pool.shutdown(cancel_futures=True)
        self._check_unchanged(places)
        return {name: found[name] for name in names}

    def _all_at_once(self) -> Mapping[str, Tensor]:
        if self._held is None:
            # Only here, because such files are rare and torch's unpickler is not needed for others.
            from .pickles import read_at_once

            self._held = dict(zip(self._contents.places, read_at_once(self.path).values(), strict=True))
        return self._held

    def _check_unchanged(self, places: Mapping[str, Place]) -> None:
        """Raises ModelFileError when a file is another than the one whose header was read."""
        for file in {part.file for place in places.values() for part in place.parts}:
            if version_of(file) != self._contents.versions[file]:
                raise ModelFileError(f"{file} was changed while it was loaded. Load it again once it is complete.")


def _type_for(place: Place, dtype: torch.dtype | None) -> torch.dtype:
    own = TYPES[place.dtype]
    return dtype if dtype is not None and own.is_floating_point else own


def _shares(places: Mapping[str, Place]) -> Iterator[dict[str, Place]]:
    """In the order in which they lie, cut into what one thread reads in one go."""
    share: dict[str, Place] = {}
    size = 0
    for name, place in sorted(places.items(), key=lambda item: [(part.file, part.start) for part in item[1].parts]):
        share[name] = place
        size += sum(part.size for part in place.parts)
        if size >= _SHARE:
            yield share
            share, size = {}, 0
    yield share


@dataclass(frozen=True, slots=True)
class _Target:
    """Where tensors go."""

    device: torch.device
    dtype: torch.dtype | None
    """None: each stays in its own type."""

    def read(self, places: Mapping[str, Place]) -> dict[str, Tensor]:
        """Raises OSError."""
        with _OpenFiles() as files:
            return {name: self._tensor(place, files) for name, place in places.items()}

    def _tensor(self, place: Place, files: _OpenFiles) -> Tensor:
        own, wanted = TYPES[place.dtype], _type_for(place, self.dtype)
        if place.strides is None and self.device.type == "cpu":
            made = torch.empty(place.shape, dtype=wanted)
            if own == wanted:
                files.fill(made, place.parts)
            else:
                files.convert(made, place.parts, own)
            return made
        flat = torch.empty(sum(part.size for part in place.parts) // own.itemsize, dtype=own)
        files.fill(flat, place.parts)
        shaped = flat.view(place.shape) if place.strides is None else flat.as_strided(place.shape, place.strides)
        return shaped.to(self.device).to(wanted).contiguous()


class _OpenFiles(ExitStack):
    """The files that one thread reads, and its buffer."""

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[Path, FileIO] = {}
        self._buffer: Tensor | None = None

    def fill(self, made: Tensor, parts: Sequence[Part]) -> None:
        """Straight into the memory of `made`."""
        memory = _bytes_of(made)
        for part in parts:
            self._read(part.file, part.start, memory[: part.size])
            memory = memory[part.size :]

    def convert(self, made: Tensor, parts: Sequence[Part], own: torch.dtype) -> None:
        """Through the buffer; `own` is the type in the file."""
        if self._buffer is None:
            self._buffer = torch.empty(_BUFFER, dtype=torch.uint8)
        memory, flat, done = _bytes_of(self._buffer), made.view(-1), 0
        for part in parts:
            for offset in range(0, part.size, _BUFFER):
                size = min(_BUFFER, part.size - offset)
                self._read(part.file, part.start + offset, memory[:size])
                count = size // own.itemsize
                flat[done : done + count].copy_(self._buffer[:size].view(own))
                done += count

    def _read(self, path: Path, start: int, memory: memoryview) -> None:
        if path not in self._files:
            self._files[path] = self.enter_context(path.open("rb", buffering=0))
        file = self._files[path]
        file.seek(start)
        while memory:
            count = file.readinto(memory)
            if not count:
                raise OSError(f"{path} has become shorter while it was read. Download it again.")
            memory = memory[count:]


def _bytes_of(tensor: Tensor) -> memoryview:
    array: Any = tensor.view(-1).view(torch.uint8).numpy()
    return memoryview(array)
