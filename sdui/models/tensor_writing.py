"""Writing model files tensor by tensor: how large they are does not matter to memory."""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import IO, Any, Self, cast

import torch
from torch import Tensor
from torch._utils import _rebuild_tensor_v2  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]

from sdui.core.errors import RequestError

from .tensor_parts import Slot
from .weights import TYPES

_NAMES = {dtype: code for code, dtype in TYPES.items()}


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
