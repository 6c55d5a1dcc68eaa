"""The metadata of a safetensors file, without taking its whole header apart."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

_LONGEST = 100 * 2**20
"""Bytes of header that the format allows (https://github.com/huggingface/safetensors)."""
_FIRST = '{"__metadata__":'
"""How a header begins when it was written by the format's own library."""
_COVERS = "ssmd_cover_images"
"""A JSON list of pictures in base64 (the additional-networks extension)."""
_THUMBNAIL = "modelspec.thumbnail"
"""A data URL (https://github.com/Stability-AI/ModelSpec)."""


def read_metadata(path: Path) -> dict[str, str]:
    """Texts by name, pictures left out. Empty for a file of another format or a damaged one: loading it says so."""
    return without_pictures(read_texts(path))


def read_texts(path: Path) -> dict[str, str]:
    """The same with pictures."""
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
    return {whole(name): whole(text) for name, text in pairs if isinstance(text, str)}


def whole(text: str) -> str:
    """Without halves of emojis, which broken programs write and nobody can store."""
    return text.encode(errors="replace").decode()


def without_pictures(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name not in (_COVERS, _THUMBNAIL)}


def cover_of(texts: Mapping[str, str]) -> bytes:
    """The first picture that is in a file's texts; b"" when there is none."""
    try:
        covers: Any = json.loads(texts.get(_COVERS, "[]"))
    except (ValueError, RecursionError):
        covers = []
    given = cast("list[Any]", covers) if isinstance(covers, list) else []
    encoded = next((one for one in (*given, texts.get(_THUMBNAIL)) if one and isinstance(one, str)), "")
    try:
        return base64.b64decode(encoded.rpartition("base64,")[2])
    except (binascii.Error, ValueError):
        return b""


def _metadata(header: str) -> Any:
    """Raises ValueError for what is no JSON."""
    if header.startswith(_FIRST):
        return json.JSONDecoder().raw_decode(header, header.index("{", len(_FIRST)))[0]
    given: Any = json.loads(header)
    return cast("dict[str, Any]", given).get("__metadata__") if isinstance(given, dict) else None
