"""The bodies of A1111's txt2img and img2img: made from the declared parameters, with A1111's names and defaults."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from sdui.core.a1111_body import API_DEFAULTS, IMG2IMG_DEFAULTS
from sdui.core.groups import Kind
from sdui.core.params import Declared, declared
from sdui.core.request import GenerationRequest

_STAGES: dict[Kind, tuple[str, ...]] = {
    "txt2img": ("", "sampling", "guidance", "hires", "refiner"),
    "img2img": ("", "sampling", "guidance", "init", "init.inpaint", "refiner"),
}
_OPTIONS = ("tiling", "s_min_uncond", "s_churn", "s_tmax", "s_tmin", "s_noise", "initial_noise_multiplier")
"""Settings that are fields as well; the others are only in `override_settings`."""
_UNSAID = (
    *("sampler_name", "scheduler", "styles", "image_cfg_scale", "refiner_checkpoint", "refiner_switch_at"),
    *("hr_upscaler", "hr_checkpoint_name", "hr_sampler_name", "hr_scheduler", "mask_blur"),
)
"""Fields without a default of their own."""
_DEFAULTS: dict[str, Any] = {
    "seed_resize_from_w": -1,
    "seed_resize_from_h": -1,
    "mask_blur_x": 4,
    "mask_blur_y": 4,
    "resize_mode": 0,
    "inpainting_mask_invert": 0,
}
_NO_BOUNDS = ("seed_resize_from_w", "seed_resize_from_h")


class Body(BaseModel):
    """What both have that is no parameter of a picture. Further fields are accepted, and named in `info`."""

    model_config = ConfigDict(extra="allow")

    sampler_index: str | None = Field("Euler", title="Sampler Index", description="An old name of sampler_name.")
    restore_faces: bool | None = Field(None, title="Restore Faces")
    eta: float | None = Field(None, title="Eta", ge=0, le=1, description="Of whichever sampler is used.")
    override_settings: dict[str, Any] | None = Field(
        None, title="Override Settings", description="Settings for this request alone, by their names in config.json."
    )
    override_settings_restore_afterwards: bool | None = Field(
        True, title="Override Settings Restore Afterwards", description="False: they stay."
    )
    disable_extra_networks: bool | None = Field(False, title="Disable Extra Networks")
    firstpass_image: str | None = Field(None, title="Firstpass Image", description="Without effect.")
    comments: dict[str, Any] | None = Field(None, title="Comments", description="Without effect.")
    do_not_save_samples: bool | None = Field(False, title="Do Not Save Samples", description="Where save_images is on.")
    do_not_save_grid: bool | None = Field(False, title="Do Not Save Grid", description="Where save_images is on.")
    force_task_id: str | None = Field(
        None, title="Force Task Id", min_length=1, max_length=200, description="Id of the job; /api/jobs has it too."
    )
    script_name: str | None = Field(None, title="Script Name")
    script_args: list[Any] | dict[str, Any] | None = Field(
        [], title="Script Args", description="In the order of the script's controls, or by name."
    )
    send_images: bool | None = Field(True, title="Send Images", description="In the answer.")
    save_images: bool | None = Field(False, title="Save Images", description="In the outputs folder.")
    alwayson_scripts: dict[str, Any] | None = Field(
        {}, title="Alwayson Scripts", description='By title: {"args": [...]}.'
    )
    extensions: dict[str, dict[str, Any]] | None = Field(
        None, title="Extensions", description="Parameters of extensions by name; sdui's own form of alwayson_scripts."
    )
    infotext: str | None = Field(
        None, title="Infotext", description="Text of a picture; says what the other fields leave unsaid."
    )


class _Hires(Body):
    enable_hr: bool | None = Field(False, title="Enable Hr")
    firstphase_width: int | None = Field(0, title="Firstphase Width", ge=0, le=16384)
    firstphase_height: int | None = Field(0, title="Firstphase Height", ge=0, le=16384)


class _Init(Body):
    init_images: list[str] | None = Field(
        None, title="Init Images", description="Base64, data: or http address; the first one is used."
    )
    mask: str | None = Field(None, title="Mask", description="Base64, data: or http address; white is what changes.")
    latent_mask: str | None = Field(None, title="Latent Mask", description="Without effect.")
    include_init_images: bool | None = Field(False, title="Include Init Images", description="In `parameters`.")


class ImagesResponse(BaseModel):
    images: list[str] | None = Field(None, title="Image", description="Base64, in the format of the settings.")
    parameters: dict[str, Any] = Field(title="Parameters", description="The body, with its defaults.")
    info: str = Field(title="Info", description="JSON: seeds, prompts and infotexts of the pictures; `warnings`.")


class TextToImageResponse(ImagesResponse): ...


class ImageToImageResponse(ImagesResponse): ...


def body_of(kind: Kind) -> type[Body]:
    fields: dict[str, Any] = {d.name: _field(d, kind) for d in declared(GenerationRequest) if _is_field(d, kind)}
    name = f"StableDiffusionProcessing{kind[:3].capitalize()}2Img"
    return create_model(name, __base__=_Hires if kind == "txt2img" else _Init, **fields)


def _is_field(d: Declared, kind: Kind) -> bool:
    stage = d.path.rpartition(".")[0]
    only_page = d.path in ("model", "model_hash", "vae_hash", "hires.model_hash", "refiner.model_hash")
    return stage in _STAGES[kind] and (not d.param.section or d.name in _OPTIONS) and not only_page


def _field(d: Declared, kind: Kind) -> tuple[Any, FieldInfo]:
    title = d.name.replace("_", " ").title()
    how = Field(_default(d, kind), title=title, description=" ".join(filter(None, (d.param.label + ".", d.param.help))))
    if isinstance(d.param.choices, tuple):
        return bool | int | str | None, how
    bounds = [] if d.name in _NO_BOUNDS else [one for one in d.field.metadata if _is_bound(one)]
    value: Any = d.field.annotation
    limited: Any = Annotated[(value, *bounds)] if bounds else value
    return limited | None, how


def _is_bound(constraint: Any) -> bool:
    return any(hasattr(constraint, name) for name in ("ge", "le"))


def _default(d: Declared, kind: Kind) -> Any:
    if d.name in _OPTIONS or d.name in _UNSAID or (d.name == "denoising_strength" and kind == "txt2img"):
        return None
    if kind == "img2img" and d.name in IMG2IMG_DEFAULTS:
        return IMG2IMG_DEFAULTS[d.name]
    return API_DEFAULTS.get(d.name, _DEFAULTS.get(d.name, d.field.default))
