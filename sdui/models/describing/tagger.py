"""WD taggers: tags of a picture with their likelihoods, from an ONNX network (SmilingWolf's format)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sdui.core.errors import ModelFileError
from sdui.models.onnx_files import opened

from .folders import NETWORK, TAGS

GENERAL, CHARACTER = 0, 4
"""Categories of tags; 9 is the picture's rating, which is left out."""


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    likelihood: float
    category: int


@dataclass(frozen=True, slots=True)
class Tagger:
    session: Any
    names: list[tuple[str, int]]
    """Tags and their categories, in the order of the network's outputs."""

    def tags(self, image: Image.Image) -> list[Tag]:
        """RGB -> every tag, the likeliest first."""
        given = self.session.get_inputs()[0]
        (made,) = self.session.run(None, {given.name: _square(image, int(given.shape[1]))})
        tags = [Tag(name, float(p), category) for (name, category), p in zip(self.names, made[0], strict=True)]
        return sorted(tags, key=lambda tag: -tag.likelihood)


def load(folder: Path) -> Tagger:
    """Raises ModelFileError, naming the file."""
    session: Any = opened(folder / NETWORK)
    try:
        with (folder / TAGS).open(encoding="utf-8", newline="") as file:
            names = [(row["name"], int(row["category"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise ModelFileError(f"{folder / TAGS} is no list of tags: columns name and category are needed.") from error
    count: Any = session.get_outputs()[0].shape[-1]
    if isinstance(count, int) and count != len(names):
        raise ModelFileError(f"{folder / TAGS} has {len(names)} tags, {NETWORK} beside it gives {count}.")
    return Tagger(session, names)


def _square(image: Image.Image, side: int) -> Any:
    """[1,side,side,3], BGR in 0..255, on white."""
    longest = max(image.size)
    canvas = Image.new("RGB", (longest, longest), "white")
    canvas.paste(image, ((longest - image.width) // 2, (longest - image.height) // 2))
    pixels = np.asarray(canvas.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return np.ascontiguousarray(pixels[None, ..., ::-1])
