"""The code; label and element id are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from sdui.core.groups import Group, Place
from sdui.core.params import Param, Text
from sdui.extensions.hooks import hook


class CustomCode(Group):
    name: ClassVar[str] = "custom_code"
    title: ClassVar[str] = "Custom code"
    place: ClassVar[Place] = "script"
    order: ClassVar[int] = 100

    code: Annotated[
        Text,
        Param(
            "Python code",
            "In scope: request, of which request.model_copy(update={...}) makes others; drawing, whose draw(request) "
            "gives pictures and whose show(picture) puts one on the page and saves it.",
            widget="lines",
        ),
    ] = ""


@hook
def parameters() -> Sequence[type[Group]]:
    return [CustomCode]
