"""What the user asked for: everything that changes pixels, and nothing else."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from .params import Param, Params


def _multiple_of_8(pixels: int) -> int:
    return pixels // 8 * 8


def _without_lone_surrogates(text: str) -> str:
    """Half of an emoji, as broken programs send it, can be neither stored nor drawn."""
    return text.encode("utf-8", "replace").decode()


Text = Annotated[str, AfterValidator(_without_lone_surrogates)]

# A latent cell covers 8 pixels; like A1111, other sizes are rounded down.
Side = Annotated[int, Field(ge=64, le=16384), AfterValidator(_multiple_of_8)]


class InitImage(Params):
    """The picture that img2img starts from; with a mask, all but the white part of it is kept (inpainting)."""

    image: bytes
    """An encoded picture, such as a PNG file's content; resized to the request's size."""
    denoising_strength: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Denoising strength",
            "How much of the picture is drawn anew: 0 changes nothing, 1 everything.",
            step=0.01,
            infotext="Denoising strength",
            infotext_always=True,
        ),
    ] = 0.75
    mask: bytes = b""
    """An encoded picture, white where to draw; b"" = everywhere."""
    mask_blur: Annotated[
        int,
        Field(ge=0, le=64),
        Param("Mask blur", "Deviation of the mask's soft edge, in pixels.", infotext="Mask blur"),
    ] = 4


class GenerationRequest(Params):
    """Frozen, JSON-serialisable, device-free: equal on the page, the API, a remote worker and in a test.

    Fields stand in the order in which A1111's infotext has them.
    """

    prompt: Annotated[
        Text,
        Param(
            "Prompt",
            "What the picture shows. (word) or (word:1.3) raises attention, [word] lowers it, BREAK ends a chunk.",
            widget="prompt",
        ),
    ] = ""
    negative_prompt: Annotated[
        Text, Param("Negative prompt", "What the picture must not show.", widget="prompt", elem_id="neg_prompt")
    ] = ""
    steps: Annotated[
        int,
        Field(ge=1, le=1000),
        Param(
            "Sampling steps",
            "How many times the picture is improved; more is slower and, past some point, no better.",
            slider=(1, 150),
            infotext="Steps",
            infotext_always=True,
        ),
    ] = 20
    sampler: Annotated[
        str,
        Param(
            "Sampling method",
            "The algorithm that turns noise into a picture.",
            choices="samplers",
            infotext="Sampler",
            infotext_always=True,
            a1111="sampler_name",
            elem_id="sampling",
        ),
    ] = "DPM++ 2M"
    schedule: Annotated[
        str,
        Param(
            "Schedule type",
            "How noise falls from step to step; Automatic is the sampler's own preference.",
            choices="schedules",
            infotext="Schedule type",
            infotext_always=True,
            a1111="scheduler",
            elem_id="scheduler",
        ),
    ] = "Automatic"
    cfg_scale: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "CFG Scale",
            "How closely the picture follows the prompt.",
            step=0.5,
            slider=(1, 30),
            infotext="CFG scale",
            infotext_always=True,
        ),
    ] = 7.0
    seed: Annotated[
        int,
        Field(ge=-1, le=2**63 - 1),
        Param(
            "Seed",
            "Start of the random numbers: the same seed gives the same picture. -1 takes a new one each time.",
            widget="seed",
            infotext="Seed",
            infotext_always=True,
        ),
    ] = -1
    width: Annotated[Side, Param("Width", "In pixels.", step=8, slider=(64, 2048))] = 512
    height: Annotated[Side, Param("Height", "In pixels.", step=8, slider=(64, 2048))] = 512
    model_hash: Annotated[
        str,
        Param(
            "Model hash",
            "First digits of the checkpoint's SHA-256; finds it when the file was renamed.",
            infotext="Model hash",
        ),
    ] = ""
    model: Annotated[
        str,
        Param(
            "Stable Diffusion checkpoint",
            "The model that draws. Files live in models/Stable-diffusion.",
            choices="checkpoints",
            infotext="Model",
            a1111="sd_model_checkpoint",
        ),
    ] = ""
    clip_skip: Annotated[
        int,
        Field(ge=1, le=12),
        Param(
            "Clip skip",
            "Which of the text encoder's last layers is listened to; anime models often want 2.",
            infotext="Clip skip",
            a1111="CLIP_stop_at_last_layers",
        ),
    ] = 1
    init: InitImage | None = None
    batch_count: Annotated[
        int,
        Field(ge=1, le=10000),
        Param("Batch count", "How many batches to make one after the other.", slider=(1, 100), a1111="n_iter"),
    ] = 1
    batch_size: Annotated[
        int,
        Field(ge=1, le=64),
        Param("Batch size", "How many pictures to make at once; needs more memory.", slider=(1, 8)),
    ] = 1


class LoadRequest(Params):
    """Make a checkpoint ready without drawing, so that the next picture starts at once."""

    model: str = ""


Task = GenerationRequest | LoadRequest
