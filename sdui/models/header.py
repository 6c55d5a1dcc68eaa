"""The header of a safetensors file: names, shapes and metadata, without reading any weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdui.core.errors import ModelFileError

_LONGEST = 100 * 2**20
"""Bytes of header that the format allows (https://github.com/huggingface/safetensors)."""


@dataclass(frozen=True, slots=True)
class Header:
    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Raises ModelFileError, naming the file, when it is no complete safetensors file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(_LONGEST, size - 8):
                raise ModelFileError(f"{path} is damaged or no safetensors file: its header is longer than the file.")
            given: dict[str, Any] = json.loads(file.read(length))
        metadata = given.pop("__metadata__", {})
        shapes = {name: tuple(entry["shape"]) for name, entry in given.items()}
        end = 8 + length + max((entry["data_offsets"][1] for entry in given.values()), default=0)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path} is damaged or no safetensors file: its header cannot be read.") from error
    if end > size:
        missing = (end - size) / 2**20
        raise ModelFileError(f"{path} is incomplete: {missing:.1f} MB are missing at its end. Download it again.")
    return Header(shapes, metadata)
