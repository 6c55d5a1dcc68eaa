"""img2img of many pictures, one after the other: where they are, and what of their texts counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .extras import Given
from .params import Param, Params

PNG_INFO = ("Prompt", "Negative prompt", "Seed", "CFG scale", "Sampler", "Steps", "Model hash")
"""Keys of an infotext that a picture of a batch may bring along."""
_SIDE = 8
"""Pixels of which sides are multiples."""


class ResizeBy(Params):
    """In place of a width and a height: a share of the picture's own."""

    scale: Annotated[
        float, Field(ge=0.01, le=16), Param("Scale", "Of the picture's own size.", step=0.01, slider=(0.05, 4))
    ] = 1.0

    def sides(self, width: int, height: int) -> tuple[int, int]:
        """Rounded down to multiples of 8, at least 8."""
        across, down = (max(_SIDE, int(side * self.scale) // _SIDE * _SIDE) for side in (width, height))
        return across, down


class PictureSource(Params):
    """The pictures, and where what is made of them goes."""

    pictures: tuple[Given, ...] = ()
    input_dir: Annotated[
        str,
        Param(
            "Input directory",
            "A folder on the computer that the server runs on.",
            widget="directory",
            elem_id="batch_input_dir",
        ),
    ] = ""
    """In place of `pictures`."""
    output_dir: Annotated[
        str,
        Param(
            "Output directory",
            "Files there are called like those that they were made from; empty is the folder of the settings.",
            widget="directory",
            elem_id="batch_output_dir",
        ),
    ] = ""
    mask_dir: Annotated[
        str,
        Param(
            "Inpaint batch mask directory (required for inpaint batch processing only)",
            "A mask for each picture, of the same name, or one for all of them.",
            widget="directory",
            elem_id="batch_inpaint_mask_dir",
        ),
    ] = ""
    use_png_info: Annotated[bool, Param("Append png info to prompts", elem_id="batch_use_png_info")] = False
    png_info_dir: Annotated[
        str,
        Param(
            "PNG info directory",
            "Files of the same names, whose texts count; empty takes the pictures' own.",
            widget="directory",
            elem_id="batch_png_info_dir",
        ),
    ] = ""
    png_info_props: Annotated[
        tuple[str, ...],
        Param(
            "Parameters to take from png info",
            "Prompts are added to those of the page, others take their place.",
            choices=PNG_INFO,
            elem_id="batch_png_info_props",
        ),
    ] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """All that the server is to read from or write to."""
        return tuple(filter(None, (self.input_dir, self.output_dir, self.mask_dir, self.png_info_dir)))
