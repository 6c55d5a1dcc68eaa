"""What it is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group, Kind, Place
from sdui.core.params import Param, Text
from sdui.extensions.hooks import hook


class Img2imgAlternative(Group):
    name: ClassVar[str] = "img2img_alternative"
    title: ClassVar[str] = "img2img alternative test"
    place: ClassVar[Place] = "script"
    kinds: ClassVar[tuple[Kind, ...]] = ("img2img",)
    order: ClassVar[int] = 30

    override_sampler: Annotated[bool, Param("Override `Sampling method` to Euler?(this method is built for it)")] = True
    override_prompt: Annotated[
        bool,
        Param(
            "Override `prompt` to the same value as `original prompt`?(and `negative prompt`)",
        ),
    ] = True
    original_prompt: Annotated[Text, Param("Original prompt", infotext="Decode prompt", infotext_always=True)] = ""
    original_negative_prompt: Annotated[
        Text, Param("Original negative prompt", infotext="Decode negative prompt", infotext_always=True)
    ] = ""
    override_steps: Annotated[bool, Param("Override `Sampling Steps` to the same value as `Decode steps`?")] = True
    st: Annotated[
        int,
        Field(ge=1, le=1000),
        Param("Decode steps", slider=(1, 150), infotext="Decode steps", infotext_always=True),
    ] = 50
    override_strength: Annotated[bool, Param("Override `Denoising strength` to 1?")] = True
    cfg: Annotated[
        float,
        Field(ge=0, le=1000),
        Param("Decode CFG scale", step=0.1, slider=(0, 15), infotext="Decode CFG scale", infotext_always=True),
    ] = 1.0
    randomness: Annotated[
        float, Field(ge=0, le=1), Param("Randomness", step=0.01, infotext="Randomness", infotext_always=True)
    ] = 0.0
    sigma_adjustment: Annotated[
        bool,
        Param("Sigma adjustment for finding noise for image", infotext="Sigma Adjustment", infotext_always=True),
    ] = False

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """A1111 has a text before them."""
        return ("", *super().arguments())


@hook
def parameters() -> Sequence[type[Group]]:
    return [Img2imgAlternative]
