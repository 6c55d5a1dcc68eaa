"""Which network, and how much it keeps; names are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class RestoreFaces(Group):
    name: ClassVar[str] = "restore_faces"
    title: ClassVar[str] = "Restore faces"
    order: ClassVar[int] = 100
    switch: ClassVar[tuple[str, ...]] = ("restore_faces", "face_restoration")

    model: Annotated[
        str,
        Param(
            "Face restoration model",
            choices="face_restorers",
            infotext="Face restoration",
            infotext_always=True,
            a1111="face_restoration_model",
        ),
    ] = "CodeFormer"
    weight: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "CodeFormer weight",
            "0 = maximum effect; 1 = minimum effect.",
            step=0.01,
            infotext="CodeFormer weight",
            a1111="code_former_weight",
        ),
    ] = 0.5


@hook
def parameters() -> Sequence[type[Group]]:
    return [RestoreFaces]
