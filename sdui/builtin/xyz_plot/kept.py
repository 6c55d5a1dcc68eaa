"""A plot's finished cells on the disk, so that the same plot goes on where it was stopped or killed."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sdui.core.events import GeneratedImage
from sdui.core.files import write_atomic
from sdui.core.request import GenerationRequest

_DAYS = 7
"""After which an unfinished plot is given up."""
_DAY = 86_400
_SEEDS = "seeds.json"

Place = tuple[int, int, int]


class KeptCells:
    """In a folder of their own, named after the whole request; `remove` it when the plot is complete."""

    def __init__(self, plots: Path, request: GenerationRequest) -> None:
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        _remove_old(plots)
        self._folder = plots / digest[:32]
        self._seeds: dict[str, int] = _read(self._folder / _SEEDS)

    def seed(self, name: str) -> int:
        """A random one, which stays the same until the plot is complete."""
        if name not in self._seeds:
            self._seeds[name] = random.randrange(2**32)
            self._write(_SEEDS, json.dumps(self._seeds).encode())
        return self._seeds[name]

    def has(self, place: Place) -> bool:
        return self._path(place, "json").exists()

    def cell(self, place: Place, model: type[GenerationRequest]) -> GeneratedImage | None:
        """The finished picture, already saved with the others; None where there is none."""
        about = _read(self._path(place, "json"))
        try:
            with Image.open(self._path(place, "png")) as opened:
                pixels = np.asarray(opened.convert("RGB"))
            request = model.model_validate(about["request"])
        except (OSError, ValueError, KeyError, SyntaxError):
            return None
        return GeneratedImage(pixels, request, about["facts"], kept=False)

    def add(self, place: Place, image: GeneratedImage) -> None:
        encoded = io.BytesIO()
        Image.fromarray(image.pixels).save(encoded, "png", compress_level=1)
        self._write(self._path(place, "png").name, encoded.getvalue())
        about = {"request": image.request.model_dump(mode="json"), "facts": image.facts}
        self._write(self._path(place, "json").name, json.dumps(about, default=str).encode())

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, place: Place, ending: str) -> Path:
        return self._folder / f"{'-'.join(map(str, place))}.{ending}"

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder / name, data)


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}


def _remove_old(plots: Path) -> None:
    for folder in plots.glob("*/"):
        if time.time() - folder.stat().st_mtime > _DAYS * _DAY:
            shutil.rmtree(folder, ignore_errors=True)
