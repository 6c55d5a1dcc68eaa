"""Draws from the last picture again and again; the denoising strength moves along a curve."""

from __future__ import annotations

import math
from itertools import count
from typing import Any

from PIL import Image

from sdui.builtin.started import given_picture, one, png, with_fixed_seed
from sdui.core.events import GeneratedImage
from sdui.core.groups import values_of, without
from sdui.core.request import GenerationRequest
from sdui.core.stages import MASKED_CONTENT
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.grid import grid

from .params import Loopback

_DESCRIBERS = {"CLIP": "CLIP", "DeepBooru": "DeepDanbooru"}


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, Loopback)
    if values is None:
        return None
    first = given_picture(request)
    base = with_fixed_seed(without(request, Loopback))
    drawing.plan(values.loops * base.batch_count)
    seeds = count(base.seed)
    shown: list[GeneratedImage] = []
    for _ in range(base.batch_count):
        image, fill = first, None
        for loop in range(values.loops):
            asked = _asked(base, image, next(seeds), _strength(base, values, loop), fill)
            if describer := _DESCRIBERS.get(values.append_interrogation):
                words = drawing.described(image, describer)
                asked = asked.model_copy(update={"prompt": ", ".join(filter(None, (base.prompt, words)))})
            made = one(drawing, asked)
            if made is None:
                continue  # The next loop starts from the picture before this one.
            image, fill = Image.fromarray(made.pixels), MASKED_CONTENT[1]
            last = loop == values.loops - 1
            made = _told(made, values, shown=base.batch_count == 1 or last)
            drawing.show(made)
            shown += [made] if made.shown else []
    if len(shown) > 1:
        sheet = grid([image.pixels for image in shown], 1)
        drawing.show(GeneratedImage(sheet, shown[0].request, shown[0].facts, "grid"))
    return True


def _asked(
    base: GenerationRequest, image: Image.Image, seed: int, strength: float, fill: str | None
) -> GenerationRequest:
    """After the first loop what is masked begins as it is."""
    assert base.init
    values: dict[str, Any] = {"denoising_strength": strength} | ({"image": png(image)} if fill else {})
    if fill and base.init.inpaint:
        values["inpaint"] = base.init.inpaint.model_copy(update={"fill": fill})
    init = base.init.model_copy(update=values)
    return base.model_copy(update={"init": init, "seed": seed, "batch_size": 1, "batch_count": 1})


def _strength(base: GenerationRequest, values: Loopback, loop: int) -> float:
    """From that of the page, at the first loop, to the final one at the last."""
    assert base.init
    begin = base.init.denoising_strength
    if values.loops == 1:
        return begin
    progress = loop / (values.loops - 1)
    curve = {
        "Aggressive": math.sin(progress * math.pi / 2),
        "Linear": progress,
        "Lazy": 1 - math.cos(progress * math.pi / 2),
    }
    return begin + (values.final_denoising_strength - begin) * curve[values.denoising_curve]


def _told(image: GeneratedImage, values: Loopback, *, shown: bool) -> GeneratedImage:
    facts = {
        "Final denoising strength": values.final_denoising_strength,
        "Denoising curve": values.denoising_curve,
    }
    return GeneratedImage(image.pixels, image.request, facts | image.facts, image.kind, image.conditions, shown=shown)
