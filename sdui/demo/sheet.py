"""A sheet of samples: pictures of fixed prompts, each with its prompt below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from .captions import prompt_for
from .concepts import CONCEPTS, FEW, Style
from .drawing import artist
from .prompts import Case
from .scenes import Scene, Stage, Thing

_SPACE, _TEXT = 8, 30
_LOOKS: tuple[tuple[Style, str], ...] = (
    ("3d", "white"),
    ("flat", "white"),
    ("3d", "blue"),
    ("icon", "white"),
    ("3d", "white"),
    ("flat", "yellow"),
    ("3d", "pink"),
    ("icon", "green"),
)
_SPECIAL = (
    Scene((Thing("donut", "purple"),)),
    Scene((Thing("cat", "blue"),)),
    Scene((Thing("fox"), Thing("fox"))),
    Scene((Thing("penguin"), Thing("fish"))),
    Scene((Thing("tree", "red"),)),
    Scene((Thing("car", "green"),)),
    Scene((Thing("star", "orange"),), "flat"),
    Scene((Thing("heart", "pink"),), "3d", "black"),
    Scene((Thing("ghost", "yellow"),), "3d", "purple"),
    Scene((Thing("rabbit", "blue"),), "flat", "yellow"),
    Scene((Thing("butterfly", "green"),)),
    Scene((Thing("moon"), Thing("moon"), Thing("moon"))),
)


def sheet_cases() -> list[Case]:
    """48 of them: every object once, and between them everything that a prompt can say."""
    names = [concept.name for concept in CONCEPTS[:FEW]]
    scenes = [Scene((Thing(name),), *_LOOKS[number % len(_LOOKS)]) for number, name in enumerate(names)]
    for scene in _SPECIAL:
        scenes[names.index(scene.things[0].name)] = scene
    return [Case(scene, prompt_for(scene), number) for number, scene in enumerate(scenes)]


def draw_sheet(checkpoint: Path, stage: Stage, picture: Path, cases: Sequence[Case] | None = None) -> None:
    """What `checkpoint` makes of the fixed prompts, with fixed seeds, as the file `picture`."""
    cases = sheet_cases() if cases is None else cases
    with TemporaryDirectory() as folder, artist(checkpoint, stage, Path(folder)) as painter:
        drawn = [np.rint(painter.picture(case) * 255).astype(np.uint8) for case in tqdm(cases, "sheet", unit="picture")]
    sheet([Image.fromarray(pixels) for pixels in drawn], [case.prompt for case in cases]).save(picture)


def sheet(pictures: Sequence[Image.Image], prompts: Sequence[str], columns: int = 8) -> Image.Image:
    """Pictures of the same size, in rows."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    cell = (width + _SPACE, height + _TEXT + _SPACE)
    whole = Image.new("RGB", (columns * cell[0] + _SPACE, rows * cell[1] + _SPACE), "#f2f2f4")
    pen = ImageDraw.Draw(whole)
    for number, (picture, prompt) in enumerate(zip(pictures, prompts, strict=True)):
        left, top = (
            _SPACE + place * side for place, side in zip((number % columns, number // columns), cell, strict=True)
        )
        whole.paste(picture, (left, top))
        lines = textwrap.wrap(prompt, 24)[:2]
        pen.multiline_text((left, top + height + 2), "\n".join(lines), fill="#333", font_size=10.5, spacing=1)
    return whole
