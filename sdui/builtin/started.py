"""For scripts that draw from pictures again and again: the given one, others in its place, a seed that stays."""

from __future__ import annotations

import io
import random
from typing import Any

from PIL import Image

from sdui.core.errors import RequestError
from sdui.core.events import GeneratedImage
from sdui.core.request import GenerationRequest
from sdui.core.stages import INPAINT_AREAS, MASK_MODES, Inpaint
from sdui.extensions.contracts import Drawing
from sdui.imaging.pixels import flattened, opened


def given_picture(request: GenerationRequest) -> Image.Image:
    """The init image, RGB, upright. Raises RequestError."""
    if request.init is None:
        raise RequestError("Image: this script needs a picture to start from.")
    return flattened(opened(request.init.image, "Image"), request.init.img2img_background_color)


def with_fixed_seed(request: GenerationRequest) -> GenerationRequest:
    """-1 becomes a number that all drawings of the script can count from."""
    seeds = {name: random.randrange(2**32) for name in ("seed", "subseed") if getattr(request, name) == -1}
    return request.model_copy(update=seeds)


def started_from(request: GenerationRequest, image: Image.Image, **values: Any) -> GenerationRequest:
    """One picture from this one; values: other fields of the request."""
    assert request.init
    init = request.init.model_copy(update={"image": png(image), "inpaint": None})
    return request.model_copy(update={"init": init, "batch_count": 1, "batch_size": 1} | values)


def masked(
    request: GenerationRequest, mask: Image.Image, cells: Image.Image | None = None, **values: Any
) -> GenerationRequest:
    """With a mask of the picture's size, and one for the latents; values: other fields of the inpainting."""
    assert request.init
    inpaint = request.init.inpaint or Inpaint(mask=b"")
    given = {"mask": png(mask), "latent_mask": png(cells) if cells else b""}
    plain = {"mask_mode": MASK_MODES[0], "area": INPAINT_AREAS[0], "mask_blur_x": None, "mask_blur_y": None}
    inpaint = inpaint.model_copy(update=plain | given | values)
    return request.model_copy(update={"init": request.init.model_copy(update={"inpaint": inpaint})})


def one(drawing: Drawing, request: GenerationRequest) -> GeneratedImage | None:
    """The one picture of a request; None when it was skipped. Raises Interrupted."""
    return next((image for image in drawing.draw(request) if image.kind == "image"), None)


def png(image: Image.Image) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "png", compress_level=1)
    return encoded.getvalue()
