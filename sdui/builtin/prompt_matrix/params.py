"""What it is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class PromptMatrix(Group):
    name: ClassVar[str] = "prompt_matrix"
    title: ClassVar[str] = "Prompt matrix"
    place: ClassVar[Place] = "script"
    order: ClassVar[int] = 10

    put_at_start: Annotated[bool, Param("Put variable parts at start of prompt")] = False
    different_seeds: Annotated[bool, Param("Use different seed for each picture")] = False
    prompt_type: Annotated[
        str,
        Param(
            "Select prompt",
            widget="radio",
            choices=("positive", "negative"),
        ),
    ] = "positive"
    variations_delimiter: Annotated[
        str,
        Param(
            "Select joining char",
            widget="radio",
            choices=("comma", "space"),
        ),
    ] = "comma"
    margin_size: Annotated[int, Field(ge=0, le=500), Param("Grid margins (px)", step=2)] = 0


@hook
def parameters() -> Sequence[type[Group]]:
    return [PromptMatrix]
