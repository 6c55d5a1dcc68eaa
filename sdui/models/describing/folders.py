"""Which describing networks there are: each is a folder, as transformers or the WD taggers' makers publish it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

Sort = Literal["blip", "clip", "wd"]
TAGS, NETWORK = "selected_tags.csv", "model.onnx"


class Found(NamedTuple):
    sort: Sort
    folder: Path


def find(folders: Iterable[Path]) -> list[Found]:
    """In these folders and those in them. Of the networks themselves nothing is read."""
    places = [place for folder in folders for place in (folder, *_inner(folder))]
    return [found for place in places for found in _in(place)]


def danbooru_file(folders: Iterable[Path]) -> Path | None:
    """A1111's file of it; the first, where there are several."""
    places = (path for folder in folders for path in sorted(folder.glob("model-resnet_custom*")))
    return next((path for path in places if path.suffix in (".pt", ".safetensors")), None)


def words(folders: Iterable[Path]) -> list[Path]:
    """Files of words that CLIP ranks, as A1111 has them: artists.txt, flavors.top3.txt."""
    return [path for folder in folders for path in sorted(folder.glob("*.txt"))]


def _inner(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _in(folder: Path) -> Iterator[Found]:
    if (folder / TAGS).is_file() and (folder / NETWORK).is_file():
        yield Found("wd", folder)
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    sort = cast("dict[str, Any]", config).get("model_type") if isinstance(config, dict) else None
    if sort in ("blip", "clip"):
        yield Found(sort, folder)
