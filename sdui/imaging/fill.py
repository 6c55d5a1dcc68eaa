"""What the masked part of a picture is before drawing: its surroundings' colours, bled into it."""

from __future__ import annotations

from PIL import Image, ImageFilter, ImageOps

_BLURS = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""Radius in pixels and how often it is laid on: from far and faint to near and opaque."""


def filled(image: Image.Image, mask: Image.Image) -> Image.Image:
    """`image` (RGB) with what the mask ("L", same size) covers replaced by blurs of what it leaves."""
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    canvas = Image.new("RGBA", image.size)
    for radius, times in _BLURS:
        layer = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            canvas.alpha_composite(layer)
    return canvas.convert("RGB")
