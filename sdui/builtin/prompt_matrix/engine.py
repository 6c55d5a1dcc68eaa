"""Draws "always|perhaps|perhaps too" in all combinations, as a grid whose words tell what is in each picture."""

from __future__ import annotations

import math

import numpy as np

from sdui.builtin.started import with_fixed_seed
from sdui.core import infotext
from sdui.core.errors import RequestError
from sdui.core.events import Cell, GeneratedImage
from sdui.core.groups import values_of, without
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.grid import grid
from sdui.imaging.legend import Label, Labels, Sheet, annotated

from .params import PromptMatrix

_MOST = 10
"""Parts; each doubles the number of pictures."""


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, PromptMatrix)
    if values is None:
        return None
    field = "prompt" if values.prompt_type == "positive" else "negative_prompt"
    fixed, *parts = getattr(request, field).split("|")
    if len(parts) > _MOST:
        raise RequestError(f"Prompt matrix: {len(parts)} parts make {2 ** len(parts)} pictures; use at most {_MOST}.")
    base = with_fixed_seed(without(request, PromptMatrix))
    base = base.model_copy(update={"batch_count": 1, "batch_size": 1})
    drawing.plan(2 ** len(parts))
    made: list[GeneratedImage] = []
    for index in range(2 ** len(parts)):
        text = _combined(fixed, parts, index, values)
        seed = base.seed + index * values.different_seeds
        made += drawing.draw(base.model_copy(update={field: text, "seed": seed}), drawing.show)
    _show_grid([image for image in made if image.kind == "image"], parts, values.margin_size, drawing)
    return True


def _combined(fixed: str, parts: list[str], index: int, values: PromptMatrix) -> str:
    """The bits of `index` say which of the parts are in."""
    chosen = [part.strip().strip(",") for place, part in enumerate(parts) if index & 1 << place]
    between = ", " if values.variations_delimiter == "comma" else " "
    return between.join([*chosen, fixed] if values.put_at_start else [fixed, *chosen])


def _show_grid(images: list[GeneratedImage], parts: list[str], margin: int, drawing: Drawing) -> None:
    across = math.ceil(len(parts) / 2)
    columns, rows = 2**across, 2 ** (len(parts) - across)
    if len(images) != columns * rows:
        return  # Some were skipped, so the words would stand beside other pictures.
    height, width, _ = images[0].pixels.shape
    sheet = Sheet(grid([image.pixels for image in images], rows), width, height, columns, rows)
    legend = annotated(sheet, _labels(parts[:across]), _labels(parts[across:]), margin)
    cells = [
        Cell(*legend.cell(sheet, index % columns, index // columns), width, height, _text(image))
        for index, image in enumerate(images)
    ]
    first = images[0]
    drawing.show(
        GeneratedImage(
            np.asarray(legend.pixels), first.request, first.facts, "grid", cells=tuple(cells), basename="prompt_matrix"
        )
    )


def _labels(parts: list[str]) -> Labels:
    """Of each combination, its parts; those that are out are struck through."""
    return [
        [Label(part, bool(index & 1 << place)) for place, part in enumerate(parts)] for index in range(2 ** len(parts))
    ]


def _text(image: GeneratedImage) -> str:
    return infotext.write(image.request, image.facts)
