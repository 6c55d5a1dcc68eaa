"""Enlarges the picture, draws each tile with img2img, and puts them together."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sdui.builtin.started import given_picture, masked, one, started_from, with_fixed_seed
from sdui.core.errors import RequestError
from sdui.core.events import GeneratedImage
from sdui.core.groups import having, values_of, without
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.masks import read_mask
from sdui.imaging.tiles import Tiling

from .params import SdUpscale


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, SdUpscale)
    if values is None:
        return None
    values = values.model_copy(update={"upscaler": _named(values.upscaler, drawing)})
    base = with_fixed_seed(without(request, SdUpscale))
    image = given_picture(request)
    if values.upscaler != "None":
        image = drawing.upscaled(image, values.scale_factor, values.upscaler)
    tiling = Tiling(image.size, (base.width, base.height), values.overlap)
    tiles = [tile for row in tiling.cut(image) for tile in row]
    masks = _masks(base, tiling)
    drawn = sum(mask is None or mask.getbbox() is not None for mask in masks)
    if not drawn:
        raise RequestError("Mask: nothing is masked, so there is nothing to draw.")
    drawing.plan(base.batch_count * drawn)
    for index in range(base.batch_count):
        drawing.context.stop.next_batch()
        _draw(
            base.model_copy(update={"seed": base.seed + index}),
            values,
            tiling,
            list(zip(tiles, masks, strict=True)),
            drawing,
        )
    return True


def _draw(
    request: GenerationRequest,
    values: SdUpscale,
    tiling: Tiling,
    tiles: list[tuple[Image.Image, Image.Image | None]],
    drawing: Drawing,
) -> None:
    """One picture, whatever ends it; tiles that were not drawn are as they were enlarged.

    A tile's seed is that of A1111, which counts batches, and pictures within each of them.
    """
    pictures = [tile for tile, _ in tiles]
    last: GeneratedImage | None = None
    try:
        with drawing.context.stop.whole():
            for place, (tile, mask) in enumerate(tiles):
                if mask is not None and mask.getbbox() is None:
                    continue
                asked = started_from(request, tile, seed=request.seed + sum(divmod(place, request.batch_size)))
                if drawn := one(drawing, asked if mask is None else masked(asked, mask, mask_blur=0)):
                    pictures[place], last = Image.fromarray(drawn.pixels), drawn
    finally:
        if last:
            columns = len(tiling.places()[0])
            rows = [pictures[at : at + columns] for at in range(0, len(pictures), columns)]
            whole = last.request.model_copy(update={"init": request.init, "seed": request.seed})
            drawing.show(GeneratedImage(np.asarray(tiling.joined(rows)), having(whole, values), last.facts))


def _masks(request: GenerationRequest, tiling: Tiling) -> list[Image.Image | None]:
    """Of each tile; None where the whole picture is drawn."""
    inpaint = request.init and request.init.inpaint
    if not inpaint:
        return [None for row in tiling.places() for _ in row]
    mask = read_mask(inpaint, tiling.size)
    return [part for row in tiling.cut(mask) for part in row]


def _named(upscaler: str, drawing: Drawing) -> str:
    """A1111's scripts give the place in the list. Raises RequestError."""
    names = drawing.upscaler_names()
    if upscaler.startswith("#") and int(upscaler[1:]) < len(names):
        return names[int(upscaler[1:])]
    if upscaler not in names:
        raise RequestError(f"Upscaler: there is no {upscaler!r}; known are {', '.join(names)}.")
    return upscaler
