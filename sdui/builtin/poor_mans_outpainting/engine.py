"""Lays the picture on a larger canvas and inpaints those tiles that are not all picture."""

from __future__ import annotations

import math
from itertools import count

import numpy as np
from PIL import Image, ImageDraw

from sdui.builtin.growing import STEP, Growth, growth
from sdui.builtin.started import given_picture, masked, one, started_from, with_fixed_seed
from sdui.core.errors import RequestError
from sdui.core.events import GeneratedImage
from sdui.core.groups import having, values_of, without
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.tiles import Tiling

from .params import PoorMansOutpainting


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, PoorMansOutpainting)
    if values is None:
        return None
    base, image = with_fixed_seed(without(request, PoorMansOutpainting)), given_picture(request)
    grown = growth(image.size, values.pixels, values.direction)
    canvas = Image.new("RGB", _rounded(image, grown))
    canvas.paste(image, (grown.left, grown.up))
    mask, cells = (_frame(canvas, grown, inset) for inset in (values.mask_blur * 2, values.mask_blur // 2))
    tiling = Tiling(canvas.size, (base.width, base.height), values.pixels)
    tiles, masks, latent_masks = (tiling.cut(whole) for whole in (canvas, mask, cells))
    wanted = [
        (row, column)
        for row, places in enumerate(tiling.places())
        for column, place in enumerate(places)
        if not _inside(place, tiling.tile, canvas, grown)
    ]
    if not wanted:
        raise RequestError("Outpainting direction: choose at least one.")
    drawing.plan(len(wanted))
    seeds, first = count(base.seed), None
    try:
        with drawing.context.stop.whole():
            for row, column in wanted:
                asked = started_from(base, tiles[row][column], seed=next(seeds))
                content = {"mask_blur": values.mask_blur * 2, "fill": values.inpainting_fill}
                if drawn := one(drawing, masked(asked, masks[row][column], latent_masks[row][column], **content)):
                    tiles[row][column], first = Image.fromarray(drawn.pixels), first or drawn
    finally:  # what was drawn is kept, whatever ends it
        if first:
            drawing.show(GeneratedImage(np.asarray(tiling.joined(tiles)), _told(first, base, values), first.facts))
    return True


def _told(first: GeneratedImage, base: GenerationRequest, values: PoorMansOutpainting) -> GenerationRequest:
    """The text tells of the inpainting; the pictures are those that the script was given."""
    assert first.request.init and base.init
    init = first.request.init.model_copy(update={"image": base.init.image})
    return having(first.request.model_copy(update={"init": init}), values)


def _rounded(image: Image.Image, grown: Growth) -> tuple[int, int]:
    """Both sides to multiples of 64, as A1111 has it: a side that does not grow may get a black edge."""
    size = image.width + grown.left + grown.right, image.height + grown.up + grown.down
    return math.ceil(size[0] / STEP) * STEP, math.ceil(size[1] / STEP) * STEP


def _frame(canvas: Image.Image, grown: Growth, inset: int) -> Image.Image:
    """White where the picture has grown, and `inset` pixels into it."""
    mask = Image.new("L", canvas.size, 255)
    left, top = grown.left + inset * (grown.left > 0), grown.up + inset * (grown.up > 0)
    right = canvas.width - grown.right - inset * (grown.right > 0)
    bottom = canvas.height - grown.down - inset * (grown.down > 0)
    if right >= left and bottom >= top:
        ImageDraw.Draw(mask).rectangle((left, top, right, bottom), fill=0)
    return mask


def _inside(place: tuple[int, int], tile: tuple[int, int], canvas: Image.Image, grown: Growth) -> bool:
    (left, top), (width, height) = place, tile
    across = left >= grown.left and left + width <= canvas.width - grown.right
    return across and top >= grown.up and top + height <= canvas.height - grown.down
