"""What SD upscale is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sdui.core.groups import Group, Kind, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class SdUpscale(Group):
    name: ClassVar[str] = "sd_upscale"
    title: ClassVar[str] = "SD upscale"
    place: ClassVar[Place] = "script"
    kinds: ClassVar[tuple[Kind, ...]] = ("img2img",)
    order: ClassVar[int] = 80
    argument_order: ClassVar[tuple[str, ...]] = ("", "overlap", "upscaler", "scale_factor")

    overlap: Annotated[
        int,
        Field(ge=0, le=2048),
        Param(
            "Tile overlap",
            "Width and height above are the size of a tile.",
            step=16,
            slider=(0, 256),
            infotext="SD upscale overlap",
            infotext_always=True,
        ),
    ] = 64
    scale_factor: Annotated[
        float,
        Field(ge=1, le=16),
        Param("Scale Factor", step=0.05, slider=(1, 4), infotext="SD upscale scale factor"),
    ] = 2.0
    upscaler: Annotated[
        str,
        Param(
            "Upscaler",
            choices="upscalers",
            infotext="SD upscale upscaler",
            infotext_always=True,
            elem_id="upscaler_index",
        ),
    ] = "None"

    @classmethod
    def from_arguments(cls, arguments: Sequence[Any], kind: Kind) -> dict[str, Any]:
        given = super().from_arguments(arguments, kind)
        if isinstance(given.get("upscaler"), int):
            given["upscaler"] = f"#{given['upscaler']}"
        return given


@hook
def parameters() -> Sequence[type[Group]]:
    return [SdUpscale]
