"""Reading model files part by part and writing them tensor by tensor: how large they are does not matter to memory."""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, Self, cast

import torch
from torch import Tensor
from torch._utils import _rebuild_tensor_v2  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]

from sdui.core.errors import ModelFileError, RequestError

from .header import read_header

PART = 2**18
"""Numbers that are read at once."""

_CODES = {
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
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""https://github.com/huggingface/safetensors#format"""
_NAMES = {dtype: code for code, dtype in _CODES.items()}

_OLD = "cond_stage_model.transformer."
_OLD_TEXT_NAMES = tuple(f"{_OLD}{part}." for part in ("embeddings", "encoder", "final_layer_norm"))
"""How files saved with transformers before 4.19 begin the text encoder's names, without `text_model`."""


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
    """Parts of the tensors of one model file. Only a safetensors file is read without holding all of it."""

    def __init__(self, path: Path) -> None:
        """Raises ModelFileError, naming the file."""
        self.path = path
        self.slots: dict[str, Slot] = {}
        self.metadata: Mapping[str, str] = {}
        self._places: dict[str, int] = {}
        self._tensors: dict[str, Tensor] = {}
        if path.suffix.lower() == ".safetensors":
            self._look_through()
        else:
            self._tensors = {_present_name(name): tensor for name, tensor in _unpickled(path).items()}
            self.slots = {name: Slot(tensor.dtype, tuple(tensor.shape)) for name, tensor in self._tensors.items()}

    def parts(self, name: str) -> Iterator[Tensor]:
        """The tensor's numbers in their order, at most `PART` of them at once, each part [n]. Raises ModelFileError."""
        count = self.slots[name].count
        for start in range(0, count, PART):
            yield self._read(name, start, min(start + PART, count))

    def whole(self, name: str) -> Tensor:
        """Raises ModelFileError."""
        slot = self.slots[name]
        return self._read(name, 0, slot.count).view(slot.shape)

    def _look_through(self) -> None:
        self.metadata = read_header(self.path).metadata
        with self.path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            given: dict[str, Any] = json.loads(file.read(length))
        given.pop("__metadata__", None)
        for stored, entry in given.items():
            name = _present_name(stored)
            try:
                self.slots[name] = slot = Slot(_CODES[entry["dtype"]], tuple(entry["shape"]))
                begin, end = entry["data_offsets"]
                self._places[name] = 8 + length + begin
                right = begin >= 0 and end - begin == slot.bytes
            except (KeyError, TypeError, ValueError):
                right = False
            if not right:
                raise ModelFileError(f"{self.path} is damaged, or newer than this: {stored} is {str(entry)[:200]}.")

    def _read(self, name: str, start: int, stop: int) -> Tensor:
        slot = self.slots[name]
        if name in self._tensors:
            return self._tensors[name].reshape(-1)[start:stop]
        numbers = torch.empty(stop - start, dtype=slot.dtype)
        # A mapped file would count as memory in use; this buffer is all that is read.
        room = memoryview(cast("Any", numbers.view(torch.uint8).numpy()))
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self._places[name] + start * slot.dtype.itemsize)
                read = file.readinto(room)
        except OSError as error:
            raise ModelFileError(f"{self.path} cannot be read: {error.strerror}.") from error
        if read != room.nbytes:
            raise ModelFileError(f"{self.path} is incomplete: it became shorter while it was read.")
        return numbers


def in_file_order(slots: Mapping[str, Slot]) -> list[str]:
    """Names as safetensors files have them: the widest numbers first, so that every tensor is aligned."""
    return sorted(slots, key=lambda name: -slots[name].dtype.itemsize)


def safetensors_head(slots: Mapping[str, Slot], metadata: Mapping[str, str]) -> bytes:
    """What stands before the numbers, which follow `in_file_order` without gaps."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in in_file_order(slots):
        slot = slots[name]
        begin, end = end, end + slot.bytes
        header[name] = {"dtype": _NAMES[slot.dtype], "shape": list(slot.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write_numbers(file: IO[bytes], parts: Iterator[Tensor]) -> None:
    """Raises OSError."""
    for part in parts:
        file.write(cast("Any", part.contiguous().view(torch.uint8).numpy()).data)


class CheckpointArchive:
    """A .ckpt file, {"state_dict": tensors} as torch.save writes it: a zip of one pickle and each tensor's numbers.

    https://docs.pytorch.org/docs/stable/notes/serialization.html
    """

    def __init__(self, file: IO[bytes], slots: Mapping[str, Slot]) -> None:
        """Raises RequestError when torch's older formats have no word for a tensor's numbers; OSError."""
        self._keys = {name: str(number) for number, name in enumerate(slots)}
        text = io.BytesIO()
        tensors = OrderedDict((name, _Tensor(slot, self._keys[name])) for name, slot in slots.items())
        _Pickler(text, 2).dump({"state_dict": tensors})
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._zip.writestr("archive/data.pkl", text.getvalue())
        self._zip.writestr("archive/byteorder", sys.byteorder)
        self._zip.writestr("archive/version", "3\n")

    def write(self, name: str, parts: Iterator[Tensor]) -> None:
        """Raises OSError."""
        with self._zip.open(f"archive/data/{self._keys[name]}", "w", force_zip64=True) as file:
            write_numbers(file, parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Stands for a tensor in the pickle."""

    slot: Slot
    key: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """Stands for its numbers."""

    slot: Slot
    key: str


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, _Tensor):
            return NotImplemented
        shape = obj.slot.shape
        strides = tuple(prod(shape[place + 1 :]) for place in range(len(shape)))
        return _rebuild_tensor_v2, (_Storage(obj.slot, obj.key), 0, shape, strides, False, OrderedDict())

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, _Storage):
            return None
        return "storage", _storage_class(obj.slot.dtype), obj.key, "cpu", obj.slot.count


def _storage_class(dtype: torch.dtype) -> type:
    classes = {
        torch.float64: torch.DoubleStorage,
        torch.float32: torch.FloatStorage,
        torch.float16: torch.HalfStorage,
        torch.bfloat16: torch.BFloat16Storage,
        torch.int64: torch.LongStorage,
        torch.int32: torch.IntStorage,
        torch.int16: torch.ShortStorage,
        torch.int8: torch.CharStorage,
        torch.uint8: torch.ByteStorage,
        torch.bool: torch.BoolStorage,
    }
    if dtype not in classes:
        raise RequestError(f"Checkpoint format: ckpt cannot hold {dtype}; choose safetensors, or save as float16.")
    return classes[dtype]


def _present_name(name: str) -> str:
    return name.replace(_OLD, f"{_OLD}text_model.", 1) if name.startswith(_OLD_TEXT_NAMES) else name


def _unpickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a .ckpt, .pt or .bin file, mapped where its form allows. Raises ModelFileError."""
    try:
        given: Any = None
        with suppress(RuntimeError):  # files of torch before 1.6 are no zips and cannot be mapped
            given = torch.load(path, "cpu", weights_only=True, mmap=True)
        given = torch.load(path, "cpu", weights_only=True) if given is None else given
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ModelFileError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from error
    found = cast("dict[Any, Any]", given) if isinstance(given, dict) else {}
    found = found.get("state_dict", found)
    tensors = {name: value for name, value in found.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ModelFileError(f"{path} has no tensors in it.")
    return tensors
