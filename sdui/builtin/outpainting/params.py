"""What it is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.builtin.growing import DIRECTIONS, Direction
from sdui.core.groups import Group, Kind, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class Outpainting(Group):
    name: ClassVar[str] = "outpainting_mk2"
    title: ClassVar[str] = "Outpainting mk2"
    place: ClassVar[Place] = "script"
    kinds: ClassVar[tuple[Kind, ...]] = ("img2img",)
    order: ClassVar[int] = 60

    pixels: Annotated[
        int,
        Field(ge=1, le=4096),
        Param("Pixels to expand", step=8, slider=(8, 256), infotext="Outpaint mk2 pixels", infotext_always=True),
    ] = 128
    mask_blur: Annotated[int, Field(ge=0, le=256), Param("Mask blur", slider=(0, 64), infotext="Outpaint mk2 blur")] = 8
    direction: Annotated[
        tuple[Direction, ...],
        Param(
            "Outpainting direction",
            widget="radio",
            choices=DIRECTIONS,
        ),
    ] = DIRECTIONS
    noise_q: Annotated[
        float,
        Field(ge=0, le=4),
        Param("Fall-off exponent (lower=higher detail)", step=0.01, infotext="Outpaint mk2 fall-off"),
    ] = 1.0
    color_variation: Annotated[
        float, Field(ge=0, le=1), Param("Color variation", step=0.01, infotext="Outpaint mk2 color variation")
    ] = 0.05

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """A1111 has a text before them."""
        return ("", *super().arguments())


@hook
def parameters() -> Sequence[type[Group]]:
    return [Outpainting]
