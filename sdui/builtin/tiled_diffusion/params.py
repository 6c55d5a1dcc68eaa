"""The windows: how large, how far apart, how many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from sdui.core.groups import Group
from sdui.core.params import Param
from sdui.extensions.hooks import hook


class TiledDiffusion(Group):
    name: ClassVar[str] = "tiled_diffusion"
    title: ClassVar[str] = "Tiled Diffusion"
    order: ClassVar[int] = 200

    window_size: Annotated[
        int,
        Field(ge=8, le=1024),
        Param(
            "Window size",
            "Side of a window in latent cells of 8 pixels. Memory grows with it, not with the picture.",
            slider=(16, 256),
            step=8,
            infotext="Tiled diffusion window",
            infotext_always=True,
        ),
    ] = 64
    stride: Annotated[
        int,
        Field(ge=1, le=1024),
        Param(
            "Stride",
            "Cells from one window to the next; the smaller, the more they overlap, and the longer it takes.",
            slider=(1, 128),
            infotext="Tiled diffusion stride",
            infotext_always=True,
        ),
    ] = 16
    views_batch_size: Annotated[
        int,
        Field(ge=1, le=64),
        Param(
            "Views batch size",
            "Windows that are computed at once.",
            slider=(1, 16),
            infotext="Tiled diffusion views",
        ),
    ] = 4


@hook
def parameters() -> Sequence[type[Group]]:
    return [TiledDiffusion]
