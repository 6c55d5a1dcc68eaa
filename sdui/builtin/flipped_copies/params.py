"""Which mirrored copies are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from sdui.core.groups import Group, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class FlippedCopies(Group):
    name: ClassVar[str] = "flipped_copies"
    title: ClassVar[str] = "Create flipped copies"
    place: ClassVar[Place] = "operation"
    order: ClassVar[int] = 4030

    horizontal: Annotated[bool, Param("Horizontal", elem_id="postprocess_flip_horizontal")] = True
    vertical: Annotated[bool, Param("Vertical", elem_id="postprocess_flip_vertical")] = False
    both: Annotated[bool, Param("Both", elem_id="postprocess_flip_both")] = False


@hook
def parameters() -> Sequence[type[Group]]:
    return [FlippedCopies]
