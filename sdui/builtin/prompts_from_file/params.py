"""What it is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from sdui.core.groups import Group, Place
from sdui.core.params import Param, Text
from sdui.extensions.hooks import hook


class PromptsFromFile(Group):
    name: ClassVar[str] = "prompts_from_file"
    title: ClassVar[str] = "Prompts from file or textbox"
    place: ClassVar[Place] = "script"
    order: ClassVar[int] = 20

    iterate: Annotated[bool, Param("Iterate seed every line", elem_id="checkbox_iterate")] = False
    same_seed: Annotated[bool, Param("Use same random seed for all lines", elem_id="checkbox_iterate_batch")] = False
    position: Annotated[
        str, Param("Insert prompts at the", widget="radio", choices=("start", "end"), elem_id="prompt_position")
    ] = "start"
    lines: Annotated[
        Text,
        Param(
            "List of prompt inputs",
            'A prompt in each line, or options: --prompt "..." --negative_prompt "..." --steps 30 --seed 5 and others.',
            widget="text_file",
            elem_id="prompt_txt",
        ),
    ] = ""


@hook
def parameters() -> Sequence[type[Group]]:
    return [PromptsFromFile]
