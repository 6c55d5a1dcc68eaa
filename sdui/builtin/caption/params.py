"""Who describes the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from sdui.core.groups import Group, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class Caption(Group):
    name: ClassVar[str] = "caption"
    title: ClassVar[str] = "Caption"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 4040

    by: Annotated[tuple[str, ...], Param("Caption by", choices="describers", elem_id="postprocess_caption_options")] = (
        "CLIP",
    )


@hook
def parameters() -> Sequence[type[Group]]:
    return [Caption]
