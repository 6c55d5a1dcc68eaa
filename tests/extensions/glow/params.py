"""What the glow is told."""

from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class Glow(Group):
    name: ClassVar[str] = "glow"
    title: ClassVar[str] = "Glow"

    strength: Annotated[
        float, Field(ge=0, le=1), Param("Strength", "How much light is added.", step=0.05, infotext="Glow strength")
    ] = 0.5
    radius: Annotated[int, Field(ge=1, le=64), Param("Radius", "In pixels.", infotext="Glow radius")] = 4


@hook
def parameters():
    return [Glow]
