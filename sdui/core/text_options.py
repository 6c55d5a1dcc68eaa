"""How prompts are read and encoded; the defaults are A1111's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params


class TextOptions(Params):
    """Options of the prompt language, under A1111's option names."""

    emphasis: Annotated[
        str,
        Param(
            "Emphasis mode",
            "None reads brackets as text, Ignore drops them, No norm does not keep the encoding's mean.",
            choices=("None", "Ignore", "Original", "No norm"),
            infotext="Emphasis",
        ),
    ] = "Original"
    comma_padding_backtrack: Annotated[
        int,
        Field(ge=0, le=74),
        Param(
            "Prompt word wrap length limit",
            "A chunk of 75 tokens ends at its last comma where that is at most this many tokens back.",
            infotext="Word wrap",
        ),
    ] = 20
    enable_prompt_comments: Annotated[
        bool, Param("Enable comments", "Leave out what follows a # in a line.", infotext="Comments")
    ] = True
    pad_cond_uncond: Annotated[
        bool,
        Param(
            "Pad prompt/negative prompt",
            "Fill the shorter of the two up with empty text, so that both are asked at once.",
            infotext="Pad conds",
        ),
    ] = False
    pad_cond_uncond_v0: Annotated[
        bool,
        Param(
            "Pad prompt/negative prompt (v0)",
            "Fill up with copies of the last vector, cut the negative prompt where it is longer; A1111 before 1.6.1.",
            infotext="Pad conds v0",
        ),
    ] = False
    use_old_emphasis_implementation: Annotated[
        bool,
        Param("Use old emphasis implementation", "Of A1111 before September 2022.", infotext="Old emphasis"),
    ] = False
    use_old_scheduling: Annotated[
        bool,
        Param(
            "Use old prompt editing timelines",
            "Both passes share one timeline and only numbers below 1 are fractions; A1111 before 1.6.",
            infotext="Old prompt editing timelines",
        ),
    ] = False
    dont_fix_second_order_samplers_schedule: Annotated[
        bool,
        Param(
            "Do not fix prompt schedule for second order samplers",
            "Prompt editing then counts the network's calls, not the steps.",
            infotext="Unfixed prompt schedule",
        ),
    ] = False
