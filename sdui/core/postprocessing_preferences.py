"""Settings of what is done to finished pictures, here and on the Extras tab; part of `settings.Preferences`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params

_UPSCALING = "Upscaling"


class UpscalingPreferences(Params):
    """Section "Upscaling"; tiles are seen with some of their surroundings, so that no overlap shows a seam."""

    ESRGAN_tile: Annotated[
        int,
        Field(ge=0, le=4096),
        Param("Tile size for ESRGAN upscalers", "0 = no tiling.", slider=(0, 512), step=16, section=_UPSCALING),
    ] = 192
    ESRGAN_tile_overlap: Annotated[
        int,
        Field(ge=0, le=1024),
        Param(
            "Tile overlap for ESRGAN upscalers",
            "Pixels over which tiles fade into each other.",
            slider=(0, 48),
            section=_UPSCALING,
        ),
    ] = 8
    DAT_tile: Annotated[
        int,
        Field(ge=0, le=4096),
        Param("Tile size for DAT upscalers", "0 = no tiling.", slider=(0, 512), step=16, section=_UPSCALING),
    ] = 192
    DAT_tile_overlap: Annotated[
        int,
        Field(ge=0, le=1024),
        Param(
            "Tile overlap for DAT upscalers",
            "Pixels over which tiles fade into each other.",
            slider=(0, 48),
            section=_UPSCALING,
        ),
    ] = 8
    SCUNET_tile: Annotated[
        int,
        Field(ge=0, le=4096),
        Param("Tile size for ScuNET upscalers", "0 = no tiling.", slider=(0, 512), step=16, section=_UPSCALING),
    ] = 256
    SCUNET_tile_overlap: Annotated[
        int,
        Field(ge=0, le=1024),
        Param(
            "Tile overlap for ScuNET upscalers",
            "Pixels over which tiles fade into each other.",
            slider=(0, 48),
            section=_UPSCALING,
        ),
    ] = 8
    SWIN_tile: Annotated[
        int,
        Field(ge=0, le=4096),
        Param("Tile size for SwinIR upscalers", "0 = no tiling.", slider=(0, 512), step=16, section=_UPSCALING),
    ] = 192
    SWIN_tile_overlap: Annotated[
        int,
        Field(ge=0, le=1024),
        Param(
            "Tile overlap for SwinIR upscalers",
            "Pixels over which tiles fade into each other.",
            slider=(0, 48),
            section=_UPSCALING,
        ),
    ] = 8
    ldsr_steps: Annotated[
        int, Field(ge=1, le=200), Param("LDSR processing steps. Lower = faster", section=_UPSCALING)
    ] = 100
    ldsr_cached: Annotated[bool, Param("Cache LDSR model in memory", section=_UPSCALING)] = False


class FacePreferences(Params):
    """Section "Face restoration"."""


_EXTRAS = "Postprocessing"


class ExtrasPreferences(Params):
    """Section "Postprocessing", and where its pictures go."""

    outdir_extras_samples: Annotated[
        str,
        Param("Output directory for images from extras tab", widget="directory", section="Paths for saving"),
    ] = "outputs/extras-images"
    use_original_name_batch: Annotated[
        bool, Param("Use original name for output filename during batch process in extras tab", section=_EXTRAS)
    ] = True
    use_upscaler_name_as_suffix: Annotated[
        bool, Param("Use upscaler name as filename suffix in the extras tab", section=_EXTRAS)
    ] = False
    postprocessing_operation_order: Annotated[
        tuple[str, ...], Param("Postprocessing operation order", "Those that are not named follow.")
    ] = ()
    postprocessing_disable_in_extras: Annotated[
        tuple[str, ...], Param("Disable postprocessing operations in extras tab")
    ] = ()
