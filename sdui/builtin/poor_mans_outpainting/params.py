"""What it is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.builtin.growing import DIRECTIONS, Direction
from sdui.core.groups import Group, Kind, Place
from sdui.core.params import Param
from sdui.core.stages import MASKED_CONTENT
from sdui.extensions.hooks import hook


class PoorMansOutpainting(Group):
    name: ClassVar[str] = "poor_mans_outpainting"
    title: ClassVar[str] = "Poor man's outpainting"
    place: ClassVar[Place] = "script"
    kinds: ClassVar[tuple[Kind, ...]] = ("img2img",)
    order: ClassVar[int] = 70

    pixels: Annotated[
        int,
        Field(ge=1, le=4096),
        Param("Pixels to expand", step=8, slider=(8, 256), infotext="Outpaint pixels", infotext_always=True),
    ] = 128
    mask_blur: Annotated[int, Field(ge=0, le=256), Param("Mask blur", slider=(0, 64), infotext="Outpaint blur")] = 4
    inpainting_fill: Annotated[
        str, Param("Masked content", widget="radio", choices=MASKED_CONTENT, infotext="Outpaint content")
    ] = MASKED_CONTENT[0]
    direction: Annotated[
        tuple[Direction, ...],
        Param(
            "Outpainting direction",
            widget="radio",
            choices=DIRECTIONS,
        ),
    ] = DIRECTIONS


@hook
def parameters() -> Sequence[type[Group]]:
    return [PoorMansOutpainting]
