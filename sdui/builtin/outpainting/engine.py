"""Grows the picture side by side: each new strip begins as noise that is like the picture, and is inpainted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sdui.builtin.growing import DIRECTIONS, STEP, Direction, growth
from sdui.builtin.started import given_picture, masked, one, started_from, with_fixed_seed
from sdui.core.errors import RequestError
from sdui.core.events import GeneratedImage
from sdui.core.groups import having, values_of, without
from sdui.core.request import GenerationRequest
from sdui.core.stages import MASKED_CONTENT
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.grid import grid, rows_for
from sdui.imaging.matched_noise import with_matched_noise

from .params import Outpainting

_CELL = 8
"""Pixels of a latent cell's side."""


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, Outpainting)
    if values is None:
        return None
    base, image = with_fixed_seed(without(request, Outpainting)), given_picture(request)
    grown = growth(image.size, values.pixels, values.direction)
    sides: list[tuple[Direction, int]] = [(side, getattr(grown, side)) for side in DIRECTIONS if getattr(grown, side)]
    if not sides:
        raise RequestError("Outpainting direction: choose at least one.")
    count = base.batch_count * base.batch_size
    drawing.plan(count * len(sides))
    made: list[GeneratedImage] = []
    for index in range(count):
        whole, told = image, None
        seed = base.seed + index % base.batch_size
        drawing.context.stop.next_batch()
        try:
            with drawing.context.stop.whole():
                for side, pixels in sides:
                    whole, drawn = _grow(whole, Strip(side, pixels, values.mask_blur), base, seed, values, drawing)
                    told = told or drawn
        finally:  # the strips that were drawn are kept, whatever ends it
            if told:
                size = {"init": base.init, "width": base.width, "height": base.height}
                asked = having(told.request.model_copy(update=size), values)
                made.append(GeneratedImage(np.asarray(whole), asked, told.facts))
                drawing.show(made[-1])
    if len(made) > 1:
        sheet = grid([one.pixels for one in made], rows_for(len(made), -1, base.batch_size))
        drawing.show(GeneratedImage(sheet, made[0].request, made[0].facts, "grid"))
    return True


@dataclass(frozen=True, slots=True)
class Strip:
    side: Direction
    pixels: int
    blur: int

    @property
    def across(self) -> bool:
        return self.side in ("left", "right")

    @property
    def first(self) -> bool:
        """It comes before the picture: left of it or above."""
        return self.side in ("left", "up")

    def mask(self, size: tuple[int, int], known: tuple[int, int], inset: int) -> Image.Image:
        """White where the strip is, `inset` pixels into the picture, and beyond the `known` size."""
        (width, height), (right, bottom) = size, known
        left = top = 0
        reach = self.pixels + inset
        if self.across:
            left, right = (reach, right) if self.first else (0, right - reach)
        else:
            top, bottom = (reach, bottom) if self.first else (0, bottom - reach)
        mask = Image.new("L", (width, height), 255)
        if right > left and bottom > top:
            ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=0)
        return mask


def _grow(
    image: Image.Image, strip: Strip, base: GenerationRequest, seed: int, values: Outpainting, drawing: Drawing
) -> tuple[Image.Image, GeneratedImage | None]:
    """The picture with the strip, and what was drawn for it; a skipped one stays noise."""
    width = image.width + strip.pixels * strip.across
    height = image.height + strip.pixels * (not strip.across)
    canvas = Image.new("RGB", (math.ceil(width / STEP) * STEP, math.ceil(height / STEP) * STEP))
    at = (strip.pixels if strip.side == "left" else 0, strip.pixels if strip.side == "up" else 0)
    canvas.paste(image, at)
    mask = strip.mask(canvas.size, (width, height), strip.blur)
    known, grey = np.asarray(canvas, np.float64) / 255, np.asarray(mask, np.float64) / 255
    noisy = with_matched_noise(known, grey, values.noise_q, values.color_variation)
    canvas = Image.fromarray(np.rint(noisy * 255).astype(np.uint8))
    box = _window(strip, (width, height), canvas.size, (base.width, base.height))
    part, part_mask = canvas.crop(box), mask.crop(box)
    cells = strip.mask(canvas.size, (width, height), strip.blur * 2).crop(box)
    asked = started_from(base, part, width=part.width, height=part.height, seed=seed)
    content = {"mask_blur": strip.blur * 4, "fill": MASKED_CONTENT[1]}
    drawn = one(drawing, masked(asked, part_mask, cells, **content))
    if drawn:
        canvas.paste(Image.fromarray(drawn.pixels), box[:2])
    return canvas.crop((0, 0, width, height)), drawn


def _window(
    strip: Strip, size: tuple[int, int], canvas: tuple[int, int], wanted: tuple[int, int]
) -> tuple[int, int, int, int]:
    """The part that is drawn: the strip and what is near it, whole cells, at most of the wanted size along it."""
    axis = 0 if strip.across else 1
    length = max(min(wanted[axis], size[axis]) // _CELL * _CELL, min(_CELL, size[axis]))
    start = 0 if strip.first else size[axis] - length
    left, top = (start, 0) if strip.across else (0, start)
    right, bottom = (start + length, canvas[1]) if strip.across else (canvas[0], start + length)
    return left, top, right, bottom
