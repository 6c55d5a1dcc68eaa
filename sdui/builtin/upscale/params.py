"""How large, by what; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sdui.core.groups import Extended, Group, Kind, Look, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class Upscale(Group):
    name: ClassVar[str] = "upscale"
    title: ClassVar[str] = "Upscale"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 1000
    watched: ClassVar[tuple[str, ...]] = ("mode",)

    mode: Annotated[
        str, Param("Resize mode", widget="radio", choices=("Scale by", "Scale to"), elem_id="extras_resize_mode")
    ] = "Scale by"
    scale: Annotated[
        float, Field(ge=0.05, le=64), Param("Resize", step=0.05, slider=(1, 8), elem_id="extras_upscaling_resize")
    ] = 4.0
    max_side_length: Annotated[
        int,
        Field(ge=0, le=65536),
        Param(
            "Max side length",
            "A side that would become longer is limited to this; 0 = no limit.",
            step=8,
            slider=(0, 16384),
            elem_id="extras_upscale_max_side_length",
        ),
    ] = 0
    width: Annotated[
        int, Field(ge=1, le=65536), Param("Width", step=8, slider=(64, 8192), elem_id="extras_upscaling_resize_w")
    ] = 512
    height: Annotated[
        int, Field(ge=1, le=65536), Param("Height", step=8, slider=(64, 8192), elem_id="extras_upscaling_resize_h")
    ] = 512
    crop: Annotated[bool, Param("Crop to fit", elem_id="extras_upscaling_crop")] = True
    upscaler: Annotated[str, Param("Upscaler 1", choices="upscalers", elem_id="extras_upscaler_1")] = "None"
    second: Annotated[str, Param("Upscaler 2", choices="upscalers", elem_id="extras_upscaler_2")] = "None"
    visibility: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Upscaler 2 visibility", step=0.001, elem_id="extras_upscaler_2_visibility"),
    ] = 0.0

    @classmethod
    def looks(cls, values: Mapping[str, Any], request: type[Extended], kind: Kind) -> dict[str, Look]:
        """What belongs to the other mode is out of sight."""
        by = values["mode"] != "Scale to"
        shown = {"scale": by, "max_side_length": by, "width": not by, "height": not by, "crop": not by}
        return {name: Look(visible) for name, visible in shown.items()}


@hook
def parameters() -> Sequence[type[Group]]:
    return [Upscale]
