"""Settings of the cards of extra networks; part of `settings.Preferences`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .params import Param, Params

_SECTION = "Extra Networks"


class NetworkPreferences(Params):
    """Section "Extra Networks"; names are A1111's."""

    extra_networks_default_multiplier: Annotated[
        float, Field(ge=0, le=2), Param("Default multiplier for extra networks", step=0.01, section=_SECTION)
    ] = 1.0
    extra_networks_add_text_separator: Annotated[
        str,
        Param("Extra networks: separator", "Stands before what a card adds to the prompt.", section=_SECTION),
    ] = " "
    lora_preferred_name: Annotated[
        Literal["Alias from file", "Filename"],
        Param(
            "When adding to prompt, refer to Lora by",
            choices=("Alias from file", "Filename"),
            section=_SECTION,
        ),
    ] = "Alias from file"
    lora_add_hashes_to_infotext: Annotated[
        bool, Param("Add Lora hashes to infotext", "They find a LoRA again that was renamed.", section=_SECTION)
    ] = True
    textual_inversion_add_hashes_to_infotext: Annotated[
        bool,
        Param(
            "Add Textual Inversion hashes to infotext",
            "They find an embedding again that was renamed.",
            section=_SECTION,
        ),
    ] = True
