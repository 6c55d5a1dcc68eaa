"""How prompts are read and encoded; the defaults are A1111's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params


class SdxlOptions(Params):
    """What SDXL checkpoints are told beside the prompts, under A1111's option names."""

    crop_top: Annotated[
        int,
        Field(ge=0, le=16384),
        Param(
            "Crop top coordinate",
            "SDXL draws as if so many pixels had been cut off above.",
            slider=(0, 1024),
            infotext="SDXL crop top",
            a1111="sdxl_crop_top",
            section="Stable Diffusion XL",
        ),
    ] = 0
    crop_left: Annotated[
        int,
        Field(ge=0, le=16384),
        Param(
            "Crop left coordinate",
            "SDXL draws as if so many pixels had been cut off on the left.",
            slider=(0, 1024),
            infotext="SDXL crop left",
            a1111="sdxl_crop_left",
            section="Stable Diffusion XL",
        ),
    ] = 0
    low_aesthetic_score: Annotated[
        float,
        Field(ge=-100, le=100),
        Param(
            "SDXL low aesthetic score",
            "Told to the SDXL refiner with the negative prompt.",
            step=0.5,
            slider=(0, 10),
            infotext="SDXL low aesthetic score",
            a1111="sdxl_refiner_low_aesthetic_score",
            section="Stable Diffusion XL",
        ),
    ] = 2.5
    high_aesthetic_score: Annotated[
        float,
        Field(ge=-100, le=100),
        Param(
            "SDXL high aesthetic score",
            "Told to the SDXL refiner with the prompt.",
            step=0.5,
            slider=(0, 10),
            infotext="SDXL high aesthetic score",
            a1111="sdxl_refiner_high_aesthetic_score",
            section="Stable Diffusion XL",
        ),
    ] = 6.0
    clip_l_skip: Annotated[
        bool,
        Param(
            "Clip skip SDXL",
            "Clip skip also counts for the first of SDXL's text encoders; otherwise it has no effect there.",
            infotext="SDXL clip skip",
            a1111="sdxl_clip_l_skip",
            section="Stable Diffusion",
        ),
    ] = False


class TextOptions(Params):
    """Options of the prompt language, under A1111's option names."""

    emphasis: Annotated[
        str,
        Param(
            "Emphasis mode",
            "None reads brackets as text, Ignore drops them, No norm does not keep the encoding's mean.",
            choices=("None", "Ignore", "Original", "No norm"),
            infotext="Emphasis",
            section="Stable Diffusion",
        ),
    ] = "Original"
    comma_padding_backtrack: Annotated[
        int,
        Field(ge=0, le=74),
        Param(
            "Prompt word wrap length limit",
            "A chunk of 75 tokens ends at its last comma where that is at most this many tokens back.",
            infotext="Word wrap",
            section="Stable Diffusion",
        ),
    ] = 20
    enable_prompt_comments: Annotated[
        bool,
        Param(
            "Enable comments", "Leave out what follows a # in a line.", infotext="Comments", section="Stable Diffusion"
        ),
    ] = True
    pad_cond_uncond: Annotated[
        bool,
        Param(
            "Pad prompt/negative prompt",
            "Fill the shorter of the two up with empty text, so that both are asked at once.",
            infotext="Pad conds",
            section="Optimizations",
        ),
    ] = False
    pad_cond_uncond_v0: Annotated[
        bool,
        Param(
            "Pad prompt/negative prompt (v0)",
            "Fill up with copies of the last vector, cut the negative prompt where it is longer; A1111 before 1.6.1.",
            infotext="Pad conds v0",
            section="Optimizations",
        ),
    ] = False
    use_old_emphasis_implementation: Annotated[
        bool,
        Param(
            "Use old emphasis implementation",
            "Of A1111 before September 2022.",
            infotext="Old emphasis",
            section="Compatibility",
        ),
    ] = False
    use_old_scheduling: Annotated[
        bool,
        Param(
            "Use old prompt editing timelines",
            "Both passes share one timeline and only numbers below 1 are fractions; A1111 before 1.6.",
            infotext="Old prompt editing timelines",
            section="Compatibility",
        ),
    ] = False
    dont_fix_second_order_samplers_schedule: Annotated[
        bool,
        Param(
            "Do not fix prompt schedule for second order samplers",
            "Prompt editing then counts the network's calls, not the steps.",
            infotext="Unfixed prompt schedule",
            section="Compatibility",
        ),
    ] = False
    sdxl: SdxlOptions = SdxlOptions()
