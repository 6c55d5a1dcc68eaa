"""Settings of the page itself: what stands where, in which language, and how it tells that a job has ended."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params

_INTERFACE, _GALLERY = "User interface", "Gallery"

ITEMS = (
    "inpaint",
    "sampler",
    "accordions",
    "checkboxes",
    "dimensions",
    "cfg",
    "denoising",
    "seed",
    "batch",
    "override_settings",
    "scripts",
)
"""Parts of the txt2img and img2img tabs, under A1111's names and in its order."""


class PagePreferences(Params):
    """Names are A1111's where it has the setting."""

    quicksettings_list: Annotated[
        tuple[str, ...],
        Param("Quicksettings list", "Settings that stand above the tabs.", choices="settings", section=_INTERFACE),
    ] = ("sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers")
    ui_tab_order: Annotated[
        tuple[str, ...],
        Param("UI tab order", "These tabs come first.", choices="tabs", section=_INTERFACE),
    ] = ()
    hidden_tabs: Annotated[tuple[str, ...], Param("Hidden UI tabs", choices="tabs", section=_INTERFACE)] = ()
    ui_reorder_list: Annotated[
        tuple[str, ...],
        Param(
            "UI item order for txt2img/img2img tabs",
            "These parts come first, in this order.",
            choices=ITEMS,
            section=_INTERFACE,
        ),
    ] = ()
    localization: Annotated[
        str,
        Param(
            "Localization",
            "Files in A1111's format can be put into localizations/ in the data folder.",
            choices="localizations",
            section=_INTERFACE,
        ),
    ] = "None"
    show_progress_in_title: Annotated[bool, Param("Show generation progress in window title.", section=_INTERFACE)] = (
        True
    )
    notification_audio: Annotated[
        bool,
        Param(
            "Play notification sound after image generation",
            "notification.mp3 in the data folder, if there is one; else a short tone.",
            section=_INTERFACE,
        ),
    ] = False
    notification_volume: Annotated[
        int, Field(ge=0, le=100), Param("Notification sound volume", "In percent.", section=_INTERFACE)
    ] = 100
    return_grid: Annotated[bool, Param("Show grid in gallery", "Where grids are saved.", section=_GALLERY)] = True
