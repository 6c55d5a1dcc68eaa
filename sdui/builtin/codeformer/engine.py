"""Restores the faces and lets them be seen as much as wanted; what is transparent stays so."""

from __future__ import annotations

from PIL import Image

from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import Codeformer


@hook
def process(picture: Picture, values: Group, drawing: Drawing) -> bool | None:
    if not isinstance(values, Codeformer):
        return None
    if not values.visibility:
        return True
    image = picture.image.convert("RGB")
    made = Image.blend(image, drawing.restored(image, values.title, values.weight), values.visibility)
    if picture.image.mode == "RGBA":
        made.putalpha(picture.image.getchannel("A"))
    picture.image = made
    picture.info["CodeFormer visibility"] = f"{values.visibility:g}"
    picture.info["CodeFormer weight"] = f"{values.weight:g}"
    return True
