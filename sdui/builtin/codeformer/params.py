"""How much of it is seen; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class Codeformer(Group):
    name: ClassVar[str] = "codeformer"
    title: ClassVar[str] = "CodeFormer"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 3000

    visibility: Annotated[
        float, Field(ge=0, le=1), Param("Visibility", step=0.001, elem_id="extras_codeformer_visibility")
    ] = 1.0
    weight: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Weight (0 = maximum effect, 1 = minimum effect)", step=0.001, elem_id="extras_codeformer_weight"),
    ] = 0.0


@hook
def parameters() -> Sequence[type[Group]]:
    return [Codeformer]
