"""Makes the mirrored copies."""

from __future__ import annotations

from PIL import ImageOps

from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.extensions.hooks import hook

from .params import FlippedCopies


@hook
def process(picture: Picture, values: Group) -> bool | None:
    if not isinstance(values, FlippedCopies):
        return None
    image = picture.image
    if values.horizontal:
        picture.add(ImageOps.mirror(image), "-horizontal")
    if values.vertical:
        picture.add(ImageOps.flip(image), "-vertical")
    if values.both:
        picture.add(ImageOps.flip(ImageOps.mirror(image)), "-both")
    return True
