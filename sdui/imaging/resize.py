"""Bringing a picture or a mask to a size: the resize modes of img2img, and the upscalers that need no network."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from sdui.core.stages import RESIZE_MODES

STRETCH, CROP, FILL, LATENT = RESIZE_MODES
_ROUNDS = 3
Upscale = Callable[[Image.Image, float], Image.Image]
"""A picture and how many times larger it is to become at least."""
NONE = "None"
UPSCALERS = {NONE: None, "Lanczos": Image.Resampling.LANCZOS, "Nearest": Image.Resampling.NEAREST}


def resize(image: Image.Image, mode: str, width: int, height: int, upscale: Upscale | None = None) -> Image.Image:
    """`image` at width x height, in its own colour mode.

    mode: one of RESIZE_MODES. The last, which resizes latents, fills here, as A1111's mask has it.
    upscale: used only where the picture becomes larger; a mask ("L") never needs one.
    """
    if mode == STRETCH:
        return _scaled(image, width, height, upscale)
    wider = width / height > image.width / image.height
    if wider == (mode == CROP):
        inner = width, max(1, image.height * width // image.width)
    else:
        inner = max(1, image.width * height // image.height), height
    scaled = _scaled(image, *inner, upscale)
    left, top = width // 2 - scaled.width // 2, height // 2 - scaled.height // 2
    canvas = Image.new(image.mode, (width, height))
    canvas.paste(scaled, (left, top))
    if mode != CROP:
        _stretch_edges(canvas, scaled, left, top)
    return canvas


def _stretch_edges(canvas: Image.Image, inner: Image.Image, left: int, top: int) -> None:
    """From a box without extent Pillow extrapolates the two outermost lines: so A1111 fills what is empty."""
    width, height = canvas.size
    right, bottom = inner.size
    if top > 0:
        canvas.paste(inner.resize((width, top), box=(0, 0, right, 0)), (0, 0))
        canvas.paste(inner.resize((width, top), box=(0, bottom, right, bottom)), (0, top + bottom))
    if left > 0:
        canvas.paste(inner.resize((left, height), box=(0, 0, 0, bottom)), (0, 0))
        canvas.paste(inner.resize((left, height), box=(right, 0, right, bottom)), (left + right, 0))


def resampled(image: Image.Image, scale: float, name: str) -> Image.Image:
    """Enlarged by one of UPSCALERS, or as it was for "None"."""
    resampling = UPSCALERS[name]
    size = int(image.width * scale), int(image.height * scale)
    return image if resampling is None else image.resize(size, resampling)


def upscaled(image: Image.Image, scale: float, once: Upscale) -> Image.Image:
    """At `scale` times its size, by an upscaler that is used up to three times when its own factor is smaller.

    To sides that are multiples of 8, which A1111's upscalers end in; so it may be resampled twice.
    """
    width, height = (max(8, int(side * scale // 8 * 8)) for side in image.size)
    for _ in range(_ROUNDS):
        before = image.size
        if image.width >= width and image.height >= height:
            break
        image = once(image, scale)
        if image.size == before:
            break
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.LANCZOS)


def _scaled(image: Image.Image, width: int, height: int, upscale: Upscale | None) -> Image.Image:
    scale = max(width / image.width, height / image.height)
    if upscale is not None and image.mode != "L" and scale > 1:
        image = upscaled(image, scale, upscale)
    return image.resize((width, height), Image.Resampling.LANCZOS)
