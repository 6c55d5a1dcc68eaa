"""What stands beside a model's file under its name, as A1111 has it: the user's notes, name.json, and a picture."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdui.core.errors import RequestError
from sdui.core.files import write_atomic
from sdui.core.networks import Notes, mapping

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_REPLACED = ".preview.png"


def stem_of(model: Path) -> Path:
    """Without its ending; a diffusers folder has none."""
    return model if model.is_dir() else model.with_suffix("")


def notes_path(stem: Path) -> Path:
    return stem.with_name(f"{stem.name}.json")


def read_notes(stem: Path) -> Notes:
    """Empty where there is no such file or it cannot be read."""
    try:
        return Notes.read(_read(notes_path(stem)))
    except (OSError, ValueError, RecursionError):
        return Notes()


def write_notes(stem: Path, notes: Notes) -> None:
    """Change what the notes say and keep the rest. Raises RequestError for a file that is no JSON, OSError."""
    path = notes_path(stem)
    try:
        there = _read(path) if path.exists() else {}
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path} is damaged and was left alone: {error}. Repair or remove it.") from error
    text = json.dumps(there | notes.said(), indent=4, ensure_ascii=False)
    # Half of an emoji, which some programs write, becomes JSON's own escape for it.
    write_atomic(path, text.encode(errors="backslashreplace"))


def picture_names(name: str) -> Iterator[str]:
    """Of files that may be a model's picture, the first that is there counts. name: of the model without ending.

    A1111 looks at name.png before name.preview.png; here what `replace_picture` writes comes first, because
    name.png may be an embedding.
    """
    yield from (f"{name}.preview{ending}" for ending in _PICTURES)
    yield from (f"{name}{ending}" for ending in _PICTURES)


def replace_picture(stem: Path, png: bytes) -> Path:
    """Raises OSError."""
    path = stem.with_name(stem.name + _REPLACED)
    write_atomic(path, png)
    return path


def names_in(folder: str) -> frozenset[str]:
    """Of everything in a folder; empty when it cannot be read."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - a Path for each of many thousands is slow
    except OSError:
        return frozenset()


def _read(path: Path) -> dict[str, Any]:
    """Raises OSError, ValueError, RecursionError."""
    given = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(given, dict):
        raise ValueError("it holds no object")
    return mapping(given)
