"""What is looked for and how it is drawn anew; defaults are those that ADetailer's users know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group
from sdui.core.params import Param, Text
from sdui.extensions.hooks import hook


class Detailer(Group):
    name: ClassVar[str] = "detailer"
    title: ClassVar[str] = "Detailer"
    order: ClassVar[int] = 110

    detector: Annotated[
        str,
        Param(
            "Detector",
            "What finds the parts: Faces, which needs no file, or a YOLO network exported to ONNX in models/detectors; "
            "one for segmentation gives each part its own shape.",
            choices="detectors",
            infotext="Detailer model",
            infotext_always=True,
        ),
    ] = "Faces"
    prompt: Annotated[
        Text,
        Param("Detailer prompt", "Empty uses the picture's own.", widget="lines", infotext="Detailer prompt"),
    ] = ""
    negative_prompt: Annotated[
        Text,
        Param(
            "Detailer negative prompt",
            "Empty uses the picture's own.",
            widget="lines",
            infotext="Detailer negative prompt",
        ),
    ] = ""
    confidence: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Detection confidence", "Of YOLO networks.", step=0.01, infotext="Detailer confidence"),
    ] = 0.3
    most: Annotated[
        int,
        Field(ge=0, le=100),
        Param("Most parts", "The largest ones; 0 = all.", slider=(0, 20), infotext="Detailer most parts"),
    ] = 0
    dilation: Annotated[
        int,
        Field(ge=0, le=512),
        Param("Mask dilation", "Pixels on each side.", slider=(0, 128), infotext="Detailer dilation"),
    ] = 4
    mask_blur: Annotated[
        int, Field(ge=0, le=256), Param("Mask blur", slider=(0, 64), infotext="Detailer mask blur")
    ] = 4
    denoising_strength: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Denoising strength", step=0.01, infotext="Detailer denoising strength", infotext_always=True),
    ] = 0.4
    padding: Annotated[
        int,
        Field(ge=0, le=1024),
        Param("Only masked padding, pixels", step=4, slider=(0, 256), infotext="Detailer padding"),
    ] = 32


@hook
def parameters() -> Sequence[type[Group]]:
    return [Detailer]
