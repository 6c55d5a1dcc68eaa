"""The metadata of a safetensors file, without taking its whole header apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

_LONGEST = 100 * 2**20
"""Bytes of header that the format allows (https://github.com/huggingface/safetensors)."""
_FIRST = '{"__metadata__":'
"""How a header begins when it was written by the format's own library."""
_PICTURES = ("ssmd_cover_images", "modelspec.thumbnail")


def read_metadata(path: Path) -> dict[str, str]:
    """Texts by name, pictures left out. Empty for a file of another format or a damaged one: loading it says so."""
    if path.suffix.lower() != ".safetensors":
        return {}
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length).decode() if length <= min(_LONGEST, size - 8) else "{}"
        given: Any = _metadata(header)
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(given, dict):
        return {}
    pairs = cast("dict[str, Any]", given).items()
    return {name: text for name, text in pairs if isinstance(text, str) and name not in _PICTURES}


def _metadata(header: str) -> Any:
    """Raises ValueError for what is no JSON."""
    if header.startswith(_FIRST):
        return json.JSONDecoder().raw_decode(header, header.index("{", len(_FIRST)))[0]
    given: Any = json.loads(header)
    return cast("dict[str, Any]", given).get("__metadata__") if isinstance(given, dict) else None
