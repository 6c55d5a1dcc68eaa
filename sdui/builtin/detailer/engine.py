"""Finds the parts, inpaints each at full size with the picture's own seed, and leaves all else as it is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from PIL import Image

from sdui.builtin.started import masked, one, png
from sdui.core.errors import Interrupted
from sdui.core.events import GeneratedImage, Progress
from sdui.core.groups import values_of, without
from sdui.core.request import GenerationRequest
from sdui.core.stages import INPAINT_AREAS, MASKED_CONTENT, InitImage
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.models.detectors import Part, detector

from .params import Detailer


@hook
def change_request(request: GenerationRequest, drawing: Drawing) -> GenerationRequest | None:
    """Nothing is changed; a detector that is not there is told of before anything is drawn."""
    if values := values_of(request, Detailer):
        detector(values.detector, drawing.models.files)
    return None


@hook
def after_image(image: GeneratedImage, drawing: Drawing) -> GeneratedImage | None:
    values = values_of(image.request, Detailer)
    if values is None:
        return None
    drawing.context.emit(Progress(f"Looking for {values.detector}"))
    find = detector(values.detector, drawing.models.files)
    parts = sorted(find(image.pixels, values.confidence), key=lambda part: -part.width * part.height)
    picture = Image.fromarray(image.pixels)
    with suppress(Interrupted):  # what is detailed by then is kept; the job ends after this picture
        for part in parts[: values.most or None]:
            if drawn := one(drawing, _request(image.request, picture, part, values)):
                picture = Image.fromarray(drawn.pixels)
    return replace(image, pixels=np.asarray(picture)) if parts else None


def _request(request: GenerationRequest, picture: Image.Image, part: Part, values: Detailer) -> GenerationRequest:
    """The part alone, at the size that the picture was drawn at."""
    init = InitImage(image=png(picture), denoising_strength=values.denoising_strength)
    texts = {"prompt": values.prompt, "negative_prompt": values.negative_prompt}
    given = {name: text for name, text in texts.items() if text}
    base = without(request, Detailer).model_copy(update={"init": init, "hires": None} | given)
    area: dict[str, Any] = {
        "area": INPAINT_AREAS[1],
        "padding": values.padding,
        "fill": MASKED_CONTENT[1],
        "soft": None,
    }
    return masked(base, _mask(picture.size, part, values.dilation), mask_blur=values.mask_blur, **area)


def _mask(size: tuple[int, int], part: Part, dilation: int) -> Image.Image:
    mask = np.zeros(size[::-1], np.uint8)
    shape = np.uint8(255) if part.mask is None else part.mask
    mask[part.top : part.top + part.height, part.left : part.left + part.width] = shape
    return Image.fromarray(np.asarray(cv2.dilate(mask, np.ones((2 * dilation + 1,) * 2, np.uint8))))
