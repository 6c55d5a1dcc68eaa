"""Settings of the prompt boxes; part of `settings.Preferences`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .params import Param, Params

_SECTION = "Prompt editing"
_INFERRING = ("Ignore", "Apply", "Discard", "Apply if any")


class PromptPreferences(Params):
    """Sections "Prompt editing" and "Infotext"; names are A1111's, but for completion, which it has not."""

    disable_token_counters: Annotated[bool, Param("Disable prompt token counters", section=_SECTION)] = False
    keyedit_precision_attention: Annotated[
        float,
        Field(ge=0.01, le=0.2),
        Param(
            "Precision for (attention:1.1) when editing the prompt with Ctrl+up/down",
            step=0.001,
            section=_SECTION,
        ),
    ] = 0.1
    keyedit_precision_extra: Annotated[
        float,
        Field(ge=0.01, le=0.2),
        Param(
            "Precision for <extra networks:0.9> when editing the prompt with Ctrl+up/down",
            step=0.001,
            section=_SECTION,
        ),
    ] = 0.05
    keyedit_delimiters: Annotated[
        str,
        Param("Word delimiters when editing the prompt with Ctrl+up/down", "Blanks always are.", section=_SECTION),
    ] = r".,\/!?%^*;:{}=`~() "
    keyedit_move: Annotated[bool, Param("Alt+left/right moves prompt elements", section=_SECTION)] = True
    prompt_completion: Annotated[
        bool,
        Param(
            "Complete what is typed into a prompt",
            "From your tags (CSV files in the folder tags), LoRAs, embeddings, hypernetworks, wildcards and styles.",
            section=_SECTION,
        ),
    ] = True
    infotext_styles: Annotated[
        Literal["Ignore", "Apply", "Discard", "Apply if any"],
        Param(
            "Infer styles from prompts of pasted infotext",
            "Apply: their words leave the prompts, and they alone are chosen; Apply if any: the same where there are "
            "some; Discard: their words leave the prompts; Ignore: the prompts stay as they are.",
            choices=_INFERRING,
            section="Infotext",
        ),
    ] = "Apply"
