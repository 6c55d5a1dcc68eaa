"""The optional stages of a request: starting from a picture, inpainting, hires fix, the refiner."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params, Text

RESIZE_MODES = ("Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)")
MASK_MODES = ("Inpaint masked", "Inpaint not masked")
MASKED_CONTENT = ("fill", "original", "latent noise", "latent nothing")
INPAINT_AREAS = ("Whole picture", "Only masked")
REFINED_PASSES = ("first pass", "second pass", "both passes")


def _soft(label: str, help: str, **look: float) -> Param:
    return Param(label, help, step=look["step"], infotext=f"Soft inpainting {label.lower()}", infotext_always=True)


class SoftInpainting(Params):
    """Where the mask is grey, old and new are mixed while sampling; defaults are those of A1111's script."""

    schedule_bias: Annotated[
        float, Field(ge=0, le=8), _soft("Schedule bias", "When the kept picture gives way; above 1 later.", step=0.1)
    ] = 1.0
    preservation_strength: Annotated[
        float, Field(ge=0, le=8), _soft("Preservation strength", "How much of the picture is kept.", step=0.05)
    ] = 0.5
    transition_contrast_boost: Annotated[
        float, Field(ge=1, le=32), _soft("Transition contrast boost", "Sharpens what mixing blurs.", step=0.5)
    ] = 4.0
    mask_influence: Annotated[
        float, Field(ge=0, le=1), _soft("Mask influence", "How much the mask itself limits the change.", step=0.05)
    ] = 0.0
    difference_threshold: Annotated[
        float, Field(ge=0, le=8), _soft("Difference threshold", "How different a pixel must be to change.", step=0.25)
    ] = 0.5
    difference_contrast: Annotated[
        float, Field(ge=0, le=8), _soft("Difference contrast", "How sharply that is decided.", step=0.25)
    ] = 2.0


class Inpaint(Params):
    """Only the white part of a mask is drawn anew."""

    mask: bytes
    """An encoded picture; another size than the init image's is resized to it. b"" stands for "to be given"."""
    latent_mask: bytes = b""
    """An encoded picture of the size drawn, for the latents alone and neither blurred nor inverted; b"": the mask."""
    mask_mode: Annotated[
        str,
        Param(
            "Mask mode",
            "Draw what is masked, or all but that.",
            widget="radio",
            choices=MASK_MODES,
            infotext="Mask mode",
            a1111="inpainting_mask_invert",
            elem_id="mask_mode",
        ),
    ] = MASK_MODES[0]
    mask_blur: Annotated[
        int,
        Field(ge=0, le=64),
        Param(
            "Mask blur",
            "Deviation of the mask's soft edge, in pixels.",
            infotext="Mask blur",
            infotext_always=True,
            elem_id="mask_blur",
        ),
    ] = 4
    mask_blur_x: Annotated[
        int | None,
        Field(ge=0, le=64),
        Param("Mask blur across", "Nothing is the same as mask blur.", infotext="Mask blur X"),
    ] = None
    mask_blur_y: Annotated[
        int | None,
        Field(ge=0, le=64),
        Param("Mask blur down", "Nothing is the same as mask blur.", infotext="Mask blur Y"),
    ] = None
    mask_round: Annotated[
        bool,
        Param("Round the mask", "Without it, a mask's grey stays grey in the latents.", infotext="Mask rounding"),
    ] = True
    fill: Annotated[
        str,
        Param(
            "Masked content",
            "What the masked part is before drawing: its surroundings' colours, itself, noise or nothing.",
            widget="radio",
            choices=MASKED_CONTENT,
            infotext="Masked content",
            a1111="inpainting_fill",
            elem_id="inpainting_fill",
        ),
    ] = MASKED_CONTENT[1]
    area: Annotated[
        str,
        Param(
            "Inpaint area",
            "Only masked draws the mask's surroundings at the full size and puts them back.",
            widget="radio",
            choices=INPAINT_AREAS,
            infotext="Inpaint area",
            a1111="inpaint_full_res",
            elem_id="inpaint_full_res",
        ),
    ] = INPAINT_AREAS[0]
    padding: Annotated[
        int,
        Field(ge=0, le=1024),
        Param(
            "Only masked padding, pixels",
            "How much of the surroundings is seen.",
            step=4,
            slider=(0, 256),
            infotext="Masked area padding",
            a1111="inpaint_full_res_padding",
            elem_id="inpaint_full_res_padding",
        ),
    ] = 32
    overlay: Annotated[
        bool,
        Param(
            "Overlay original for inpaint",
            "Put the original's pixels over what was not masked.",
            infotext="Overlay",
            a1111="overlay_inpaint",
            section="img2img",
        ),
    ] = True
    soft: SoftInpainting | None = None


class InitImage(Params):
    """The picture that img2img starts from."""

    image: bytes
    """An encoded picture, such as a PNG file's content; resized to the request's size. b"" stands for "to be given"."""
    denoising_strength: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Denoising strength",
            "How much of the picture is drawn anew: 0 changes nothing, 1 everything.",
            step=0.01,
            infotext="Denoising strength",
            infotext_always=True,
            elem_id="denoising_strength",
        ),
    ] = 0.75
    resize_mode: Annotated[
        str,
        Param(
            "Resize mode",
            "How the picture is brought to the chosen size.",
            widget="radio",
            choices=RESIZE_MODES,
            infotext="Resize mode",
        ),
    ] = RESIZE_MODES[0]
    upscaler: Annotated[
        str,
        Param(
            "Upscaler for img2img",
            "What enlarges the picture where the chosen size is larger; None resamples it.",
            choices="upscalers",
            infotext="Upscaler",
            a1111="upscaler_for_img2img",
            section="Upscaling",
        ),
    ] = "None"
    initial_noise_multiplier: Annotated[
        float,
        Field(ge=0, le=10),
        Param(
            "Noise multiplier for img2img",
            "Scale of the first noise.",
            step=0.001,
            slider=(0, 1.5),
            infotext="Noise multiplier",
            section="img2img",
        ),
    ] = 1.0
    img2img_color_correction: Annotated[
        bool,
        Param(
            "Apply color correction to img2img results to match original colors",
            infotext="Color correction",
            section="img2img",
        ),
    ] = False
    img2img_fix_steps: Annotated[
        bool,
        Param(
            "With img2img, do exactly the amount of steps the slider specifies",
            "Otherwise fewer where the denoising strength is below 1.",
            infotext="Fix steps",
            section="img2img",
        ),
    ] = False
    img2img_background_color: Annotated[
        str,
        Field(pattern="^#[0-9a-fA-F]{6}$"),
        Param(
            "With img2img, fill transparent parts of the input image with this color",
            infotext="Background color",
            section="img2img",
        ),
    ] = "#ffffff"
    inpaint: Inpaint | None = None


class Hires(Params):
    """A second pass at a larger size, started from the first one's picture."""

    denoising_strength: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Denoising strength",
            "How much the second pass may change: 0 nothing, 1 everything.",
            step=0.01,
            infotext="Denoising strength",
            infotext_always=True,
            elem_id="denoising_strength",
        ),
    ] = 0.7
    model: Annotated[
        str,
        Param(
            "Hires checkpoint",
            "Empty uses the first pass' checkpoint.",
            choices="checkpoints",
            empty="Use same checkpoint",
            infotext="Hires checkpoint",
            a1111="hr_checkpoint_name",
            elem_id="hr_checkpoint",
        ),
    ] = ""
    sampler: Annotated[
        str,
        Param(
            "Hires sampling method",
            "Empty uses the first pass' sampler.",
            choices="samplers",
            empty="Use same sampler",
            infotext="Hires sampler",
            a1111="hr_sampler_name",
            elem_id="hr_sampler",
        ),
    ] = ""
    schedule: Annotated[
        str,
        Param(
            "Hires schedule type",
            "Empty uses the first pass' schedule.",
            choices="schedules",
            empty="Use same scheduler",
            infotext="Hires schedule type",
            a1111="hr_scheduler",
            elem_id="hr_scheduler",
        ),
    ] = ""
    prompt: Annotated[
        Text,
        Param(
            "Hires prompt",
            "Empty uses the first pass' prompt.",
            widget="prompt",
            infotext="Hires prompt",
            a1111="hr_prompt",
            elem_id="hires_prompt",
        ),
    ] = ""
    negative_prompt: Annotated[
        Text,
        Param(
            "Hires negative prompt",
            "Empty uses the first pass' negative prompt.",
            widget="prompt",
            infotext="Hires negative prompt",
            a1111="hr_negative_prompt",
            elem_id="hires_neg_prompt",
        ),
    ] = ""
    scale: Annotated[
        float,
        Field(ge=1, le=16),
        Param(
            "Upscale by",
            "Used where neither width nor height below is given.",
            step=0.05,
            slider=(1, 4),
            infotext="Hires upscale",
            infotext_always=True,
            a1111="hr_scale",
            elem_id="hr_scale",
        ),
    ] = 2.0
    resize_x: Annotated[
        int,
        Field(ge=0, le=16384),
        Param(
            "Resize width to",
            "0 follows the height.",
            step=8,
            slider=(0, 2048),
            infotext="Hires resize-1",
            a1111="hr_resize_x",
            elem_id="hr_resize_x",
        ),
    ] = 0
    resize_y: Annotated[
        int,
        Field(ge=0, le=16384),
        Param(
            "Resize height to",
            "0 follows the width.",
            step=8,
            slider=(0, 2048),
            infotext="Hires resize-2",
            a1111="hr_resize_y",
            elem_id="hr_resize_y",
        ),
    ] = 0
    steps: Annotated[
        int,
        Field(ge=0, le=1000),
        Param(
            "Hires steps",
            "0 takes as many as the first pass.",
            slider=(0, 150),
            infotext="Hires steps",
            a1111="hr_second_pass_steps",
        ),
    ] = 0
    upscaler: Annotated[
        str,
        Param(
            "Upscaler",
            "What enlarges the first pass' picture, before or after decoding.",
            choices="hires_upscalers",
            infotext="Hires upscaler",
            infotext_always=True,
            a1111="hr_upscaler",
            elem_id="hr_upscaler",
        ),
    ] = "Latent"
    token_merging_ratio: Annotated[
        float,
        Field(ge=0, le=0.9),
        Param(
            "Token merging ratio for high-res pass",
            "0 uses that of the first pass.",
            step=0.1,
            infotext="Token merging ratio hr",
            a1111="token_merging_ratio_hr",
            section="Optimizations",
        ),
    ] = 0.0
    hires_fix_use_firstpass_conds: Annotated[
        bool,
        Param(
            "For hires fix, calculate conds of second pass using extra networks of first pass",
            infotext="Hires first pass conds",
            section="Compatibility",
        ),
    ] = False


class Refiner(Params):
    """A second checkpoint that takes over before the end."""

    model: Annotated[
        str,
        Field(min_length=1),
        Param(
            "Refiner checkpoint",
            "The checkpoint that takes over.",
            choices="checkpoints",
            infotext="Refiner",
            infotext_always=True,
            a1111="refiner_checkpoint",
        ),
    ]
    switch_at: Annotated[
        float,
        Field(ge=0.01, le=1),
        Param(
            "Switch at",
            "After which share of the steps; 1 never switches.",
            step=0.01,
            infotext="Refiner switch at",
            infotext_always=True,
            a1111="refiner_switch_at",
        ),
    ] = 0.8
    switch_by_steps: Annotated[
        bool,
        Param(
            "Switch to refiner by sampling steps instead of model timesteps",
            "A1111 before 1.8 counted steps, later ones count the share of the noise that is gone.",
            infotext="Refiner switch by sampling steps",
            infotext_always=True,
            a1111="refiner_switch_by_sample_steps",
            section="Compatibility",
        ),
    ] = True
    hires_pass: Annotated[
        str,
        Param(
            "Hires fix: which pass to enable refiner for",
            choices=REFINED_PASSES,
            infotext="Hires refiner",
            a1111="hires_fix_refiner_pass",
            section="Stable Diffusion",
        ),
    ] = REFINED_PASSES[1]
