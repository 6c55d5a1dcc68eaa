"""The header of a .safetensors file (https://github.com/huggingface/safetensors), which is not trusted."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from sdui.core.errors import ModelFileError

from .contents import DTYPE_BYTES, Contents, Part, Place, size_in_bytes, version_of

_LONGEST = 100 * 2**20
"""Bytes of header that the format allows."""


def read_safetensors(path: Path) -> Contents:
    """Raises ModelFileError, naming the file, when it is no complete safetensors file or contradicts itself."""
    version = version_of(path)
    header, begin = _header(path, version[0])
    given = header.pop("__metadata__", None)
    places = {name: _place(path, name, entry, begin) for name, entry in header.items()}
    _check_extents(path, places, version[0])
    metadata = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    return Contents(places, texts, {path: version})


def _header(path: Path, size: int) -> tuple[dict[str, Any], int]:
    """The JSON, and where the weights begin."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > size - 8:
                raise ModelFileError(
                    f"{path} is incomplete or no safetensors file: its header is longer than the file. "
                    "Download it again."
                )
            if length > _LONGEST:
                raise ModelFileError(f"{path} is damaged: its header claims to be {length} bytes long.")
            header = json.loads(file.read(length))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (struct.error, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is damaged or no safetensors file: its header cannot be read. Download it again."
        ) from error
    if not isinstance(header, dict):
        raise ModelFileError(f"{path} is damaged: its header is no list of tensors. Download it again.")
    return cast("dict[str, Any]", header), 8 + length


def _place(path: Path, name: str, entry: Any, begin: int) -> Place:
    try:
        dtype, shape = str(entry["dtype"]), tuple(entry["shape"])
        first, last = entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged: its header does not say what {name} is.") from error
    if any(type(number) is not int or number < 0 for number in (*shape, first, last)):
        raise ModelFileError(f"{path} is damaged: its header gives no proper size for {name}.")
    if dtype not in DTYPE_BYTES:
        raise ModelFileError(
            f"{path} cannot be used: {name} is of type {dtype}, which sdui does not know. "
            f"Take a version of the file in one of {', '.join(DTYPE_BYTES)}."
        )
    if last - first != size_in_bytes(dtype, shape):
        raise ModelFileError(
            f"{path} is damaged: {name} has {max(0, last - first)} bytes where its shape {list(shape)} "
            f"in {dtype} needs {size_in_bytes(dtype, shape)}. Download it again."
        )
    return Place(dtype, shape, (Part(path, begin + first, last - first),))


def _check_extents(path: Path, places: dict[str, Place], size: int) -> None:
    """Raises ModelFileError when tensors lie over each other or behind the end of the file."""
    filled = [(place.parts[0], name) for name, place in places.items() if place.parts[0].size]
    filled.sort(key=lambda found: found[0].start)
    for (part, name), (following, other) in pairwise(filled):
        if following.start < part.start + part.size:
            raise ModelFileError(f"{path} is damaged: {name} and {other} lie over each other. Download it again.")
    missing = max((part.start + part.size for part, _ in filled[-1:]), default=0) - size
    if missing > 0:
        raise ModelFileError(
            f"{path} is incomplete: {missing / 2**20:.1f} MB are missing at its end. Download it again."
        )
