"""What it is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group, Kind, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class Loopback(Group):
    name: ClassVar[str] = "loopback"
    title: ClassVar[str] = "Loopback"
    place: ClassVar[Place] = "script"
    kinds: ClassVar[tuple[Kind, ...]] = ("img2img",)
    order: ClassVar[int] = 40

    loops: Annotated[int, Field(ge=1, le=1000), Param("Loops", slider=(1, 32))] = 4
    final_denoising_strength: Annotated[float, Field(ge=0, le=1), Param("Final denoising strength", step=0.01)] = 0.5
    denoising_curve: Annotated[str, Param("Denoising strength curve", choices=("Aggressive", "Linear", "Lazy"))] = (
        "Linear"
    )
    append_interrogation: Annotated[
        str, Param("Append interrogated prompt at each iteration", choices=("None", "CLIP", "DeepBooru"))
    ] = "None"


@hook
def parameters() -> Sequence[type[Group]]:
    return [Loopback]
