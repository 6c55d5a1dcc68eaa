"""Checkpoints that PyTorch has pickled (.ckpt, .pt, .pth, .bin): their tensors, and nothing of them is ever run.

A pickle is a program. Only `torch.load(weights_only=True)` interprets it, which knows the few calls that make tensors
and refuses all others. What Lightning and the training programs of 2022 wrote beside the weights is taken in by
objects that do nothing, so that those checkpoints need no conversion.
"""

from __future__ import annotations

import json
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError

from .contents import DTYPE_BYTES, Contents, Part, Place, version_of

_LONGEST = 100 * 2**20
"""Bytes of the pickle itself; the numbers of the tensors are not part of it."""
_MALFORMED = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    struct.error,
)
"""What torch's unpickler raises about bytes that make no sense."""
_ZIP = b"PK\x03\x04"
_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class _Inert:
    """Takes the place of an object that no weights depend on: it keeps what it is given and does nothing."""

    def __new__(cls, *args: object) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *args: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


_HARMLESS: dict[str, Any] = {
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint": _Inert,
    "pytorch_lightning.callbacks.ModelCheckpoint": _Inert,
    "pytorch_lightning.utilities.parsing.AttributeDict": OrderedDict,
    "lightning_fabric.utilities.data.AttributeDict": OrderedDict,
    "torch.nn.modules.container.ParameterDict": _Inert,
    "numpy.dtype": _Inert,
    "numpy.ndarray": _Inert,
    "numpy.core.multiarray.scalar": _Inert,
    "numpy.core.multiarray._reconstruct": _Inert,
    "numpy._core.multiarray.scalar": _Inert,
    "numpy._core.multiarray._reconstruct": _Inert,
}
"""What stands in for the names that common checkpoints contain beside tensors."""


def read_pickle(path: Path) -> Contents:
    """Reads the pickle and no weights. Raises ModelFileError, naming what the file wants to run if that is refused."""
    version = version_of(path)
    is_zip, stored = _look_into(path)
    loaded = _load(path, torch.device("meta") if stored else None, headers_only=not is_zip)
    tensors, metadata = _weights_and_facts(path, loaded)
    at_once = not stored
    places = {name: _place(path, tensor, at_once) for name, tensor in tensors.items()}
    if not at_once:
        _check_extents(path, places, version[0])
    return Contents(places, metadata, {path: version}, at_once)


def read_at_once(path: Path) -> dict[str, Tensor]:
    """Every tensor, in memory; for the formats that `Contents.at_once` speaks of. Raises ModelFileError."""
    return _weights_and_facts(path, _load(path, None))[0]


def _look_into(path: Path) -> tuple[bool, bool]:
    """Whether it is a zip archive, and one whose tensors lie in it as they are. Raises ModelFileError."""
    try:
        with path.open("rb") as file:
            if file.read(4) != _ZIP:
                return False, False
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged or incomplete: its end is missing. Download it again.") from error
    pickles = [entry for entry in entries if entry.filename.rpartition("/")[2] == "data.pkl"]
    if any(entry.filename.rpartition("/")[2] == "constants.pkl" for entry in entries):
        raise ModelFileError(f"{path} is a TorchScript program, which sdui does not run. Take the model's weights.")
    if not pickles:
        raise ModelFileError(f"{path} is a zip archive and no model. Unpack it and take the model file inside.")
    if any(entry.file_size > _LONGEST for entry in pickles):
        raise ModelFileError(f"{path} is damaged: its list of tensors is too long.")
    return True, all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)


def _load(path: Path, device: torch.device | None, headers_only: bool = False) -> object:
    """On the meta device nothing is read, and each storage is told where in the file it lies."""
    accepting: AbstractContextManager[object] = nullcontext()
    skipping = torch.serialization.skip_data() if headers_only else nullcontext()
    for _ in range(4):
        try:
            with path.open("rb") as file, warnings.catch_warnings(), accepting, skipping:
                warnings.simplefilter("ignore")
                return torch.load(file, map_location=device or "cpu", weights_only=True)
        except OSError as error:
            raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
        except pickle.UnpicklingError as error:
            if _refused_name(error) not in _HARMLESS:
                raise _refusal(path, error) from error
            # Again and not once: a load in another thread that has just ended takes the names back for all.
            names: list[Any] = [(stand_in, name) for name, stand_in in _HARMLESS.items()]
            accepting = torch.serialization.safe_globals(names)
        except _MALFORMED as error:
            raise ModelFileError(f"{path} is damaged or no PyTorch checkpoint. Download it again. ({error})") from error
        except (MemoryError, OverflowError, RecursionError, ArithmeticError) as error:
            raise ModelFileError(f"{path} is damaged: it claims to hold more than there can be.") from error
    raise ModelFileError(f"{path} could not be read while other checkpoints were. Try again.")


def _refused_name(error: pickle.UnpicklingError) -> str:
    found = re.search(r"GLOBAL (\S+)", str(error))
    return found[1] if found else ""


def _refusal(path: Path, error: pickle.UnpicklingError) -> ModelFileError:
    name = _refused_name(error) or next((name for name in _calls(path) if name not in _HARMLESS), "")
    if name:
        return ModelFileError(
            f"{path} is refused: it wants to run {name!r} when it is opened, which may be harmful. "
            "Take it as .safetensors, or convert it where you trust it."
        )
    reason = re.search(r"WeightsUnpickler error:\s+(.+)", str(error))
    return ModelFileError(
        f"{path} is refused: it is not pickled as PyTorch does it ({reason[1] if reason else error}). "
        "Take it as .safetensors."
    )


def _calls(path: Path) -> Iterator[str]:
    """The functions and classes that the pickle names, found by reading it as text: nothing is looked up or run."""
    texts: list[str] = []
    try:
        for operation, argument, _ in pickletools.genops(_stream(path)):
            if operation.name == "GLOBAL":
                yield str(argument).replace(" ", ".")
            elif operation.name == "STACK_GLOBAL":
                yield ".".join(texts[-2:])
            elif isinstance(argument, str):
                texts.append(argument)
    except (*_MALFORMED, zipfile.BadZipFile, zlib.error):
        return


def _stream(path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read(next(name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"))
    with path.open("rb") as file:
        return file.read(_LONGEST)


def _weights_and_facts(path: Path, loaded: object) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name, and as text what else it says; Lightning keeps the weights under "state_dict"."""
    facts: dict[str, str] = {}
    while isinstance(loaded, dict) and isinstance(cast("dict[object, object]", loaded).get("state_dict"), dict):
        outer = cast("dict[object, object]", loaded)
        loaded = outer.pop("state_dict")
        facts |= dict(_facts(outer))
    inner = cast("object", loaded)
    facts |= dict(_facts(inner))
    tensors = dict(_tensors(inner, "", set()))
    if not tensors:
        raise ModelFileError(f"{path} is no model: it holds no tensors.")
    return tensors, facts


def _items(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, _Inert):
        state = value.state
        value = cast("dict[str, object]", state).get("_parameters") if isinstance(state, dict) else None
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            yield str(key), item
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("list[object]", value)):
            yield str(index), item


def _tensors(value: object, name: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """Those of dictionaries and lists inside of each other, as outer.inner; `seen` ends what contains itself."""
    if id(value) in seen:
        return
    seen.add(id(value))
    for key, item in _items(value):
        inner = f"{name}.{key}" if name else key
        if isinstance(item, Tensor):
            if item.layout == torch.strided and item.dtype in _TYPES:
                yield inner, item
        elif len(seen) < 100_000:
            yield from _tensors(item, inner, seen)


def _facts(value: object) -> Iterator[tuple[str, str]]:
    for key, item in _items(value):
        listed = cast("list[object]", item) if isinstance(item, list | tuple) else [item]
        if all(one is None or isinstance(one, str | bool | int | float) for one in listed):
            yield key, item if isinstance(item, str) else json.dumps(item)


def _place(path: Path, tensor: Tensor, at_once: bool) -> Place:
    dtype, shape = _TYPES[tensor.dtype], tuple(tensor.shape)
    if at_once:
        return Place(dtype, shape, ())
    if tensor.numel() == 0:
        return Place(dtype, shape, (Part(path, 0, 0),))
    width = DTYPE_BYTES[dtype]
    storage: Any = tensor.untyped_storage()
    start: int = storage._checkpoint_offset + tensor.storage_offset() * width
    reach = 1 + sum((length - 1) * stride for length, stride in zip(shape, tensor.stride(), strict=True))
    strides = None if tensor.is_contiguous() else tuple(tensor.stride())
    return Place(dtype, shape, (Part(path, start, reach * width),), strides)


def _check_extents(path: Path, places: Mapping[str, Place], size: int) -> None:
    for name, place in places.items():
        if any(part.start < 0 or part.start + part.size > size for part in place.parts):
            raise ModelFileError(f"{path} is damaged or incomplete: {name} lies behind its end. Download it again.")
