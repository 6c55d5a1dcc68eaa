"""Restores the faces and lets them be seen as much as wanted; what is transparent stays so."""

from __future__ import annotations

from PIL import Image

from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import Gfpgan


@hook
def process(picture: Picture, values: Group, drawing: Drawing) -> bool | None:
    if not isinstance(values, Gfpgan):
        return None
    if not values.visibility:
        return True
    image = picture.image.convert("RGB")
    made = Image.blend(image, drawing.restored(image, values.title, 0), values.visibility)
    if picture.image.mode == "RGBA":
        made.putalpha(picture.image.getchannel("A"))
    picture.image = made
    picture.info["GFPGAN visibility"] = f"{values.visibility:g}"
    return True
