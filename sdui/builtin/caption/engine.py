"""Has the picture described."""

from __future__ import annotations

from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import Caption


@hook
def process(picture: Picture, values: Group, drawing: Drawing) -> bool | None:
    if not isinstance(values, Caption):
        return None
    words = [drawing.described(picture.image.convert("RGB"), name) for name in values.by]
    picture.caption = ", ".join(filter(None, [picture.caption, *words]))
    return True
