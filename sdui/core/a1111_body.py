"""Requests from the names and numbers that A1111's API, scripts and config.json use."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from . import old_files
from .errors import RequestError
from .params import declared, explain, nest
from .request import GenerationRequest
from .stages import SoftInpainting

Kind = Literal["txt2img", "img2img"]

_API_DEFAULTS: dict[str, Any] = {"steps": 50, "sampler_name": "Euler"}
_IMG2IMG_DEFAULTS: dict[str, Any] = {
    "denoising_strength": 0.75,
    "inpainting_fill": 0,
    "inpaint_full_res": True,
    "inpaint_full_res_padding": 0,
}
_SOFT = "Soft Inpainting"
_NONE = "None"


class FromBody(NamedTuple):
    request: GenerationRequest
    unused: tuple[str, ...]
    """Keys that mean nothing to a request."""


def request_from(body: dict[str, Any], kind: Kind, images: tuple[bytes, bytes] = (b"", b"")) -> FromBody:
    """The body of /sdapi/v1/txt2img or img2img; `override_settings` count like fields of their own.

    `images` are the init image and the mask where the body has none. Raises RequestError naming the field.
    """
    values = _API_DEFAULTS | (_IMG2IMG_DEFAULTS if kind == "img2img" else {})
    values |= {key: value for key, value in body.items() if value is not None}
    values |= values.pop("override_settings", {})
    image, mask = _images(values, images)
    scripts = values.pop("alwayson_scripts", {})
    _old_names(values)
    _add_hypernetwork(values)
    stages = _stages(values, kind, bool(mask))
    flat: dict[str, Any] = {"hires": {}} if "hires" in stages else {}
    for path, name in _paths():
        stage = path.rpartition(".")[0]
        if stage in stages and name in values:
            flat[path] = values[name]
    used = {name for path, name in _paths() if path in flat}
    _names_of_today(flat)
    if kind == "img2img":
        flat["init.image"] = image
        if mask:
            flat["init.inpaint.mask"] = mask
        if mask and (arguments := scripts.get(_SOFT, {}).get("args")):
            flat |= _soft_inpainting(arguments)
    given = [key for key in values if key in body or key in body.get("override_settings", {})]
    unused = (*(key for key in given if key not in used), *(name for name in scripts if name != _SOFT))
    try:
        return FromBody(GenerationRequest.model_validate(nest(flat)), unused)
    except ValidationError as error:
        raise RequestError(explain(error, GenerationRequest)) from error


def _paths() -> list[tuple[str, str]]:
    """Where each of A1111's names goes; a name may go to several places."""
    return [*((d.path, d.name) for d in declared(GenerationRequest)), ("styles", "styles")]


def _stages(values: dict[str, Any], kind: Kind, masked: bool) -> set[str]:
    """The groups and stages that this request has."""
    stages = {"", "text", "sampling", "guidance"}
    if kind == "img2img":
        stages |= {"init", "init.inpaint"} if masked else {"init"}
    elif values.pop("enable_hr", False):
        stages.add("hires")
    if values.get("refiner_checkpoint") not in (None, "", _NONE):
        stages.add("refiner")
    return stages


def _old_names(values: dict[str, Any]) -> None:
    """Fields and options that stand for others."""
    if "eta" in values:
        values["eta_ancestral"] = values["eta_ddim"] = values.pop("eta")
    if (schedule := values.pop("k_sched_type", "Automatic")) != "Automatic":
        values["scheduler"] = schedule
    if sampler := values.pop("sampler_index", ""):
        values["sampler_name"] = sampler
    if isinstance(values.get("inpaint_full_res"), bool):
        values["inpaint_full_res"] = int(values["inpaint_full_res"])
    for name in ("seed_resize_from_w", "seed_resize_from_h"):
        values[name] = max(0, values.get(name, 0))


def _add_hypernetwork(values: dict[str, Any]) -> None:
    """A1111's option adds a tag to the prompts that do not have one of this network, and so to the infotext."""
    name = values.pop("sd_hypernetwork", None) or _NONE
    for field in ("prompt", "hr_prompt"):
        text = values.get(field, "")
        if name != _NONE and (field == "prompt" or text) and not re.search(rf"<hypernet:{re.escape(name)}[:>]", text):
            values[field] = f"{text}<hypernet:{name}:1.0>"


def _names_of_today(flat: dict[str, Any]) -> None:
    """A body without a schedule is from before there were any; its samplers then mean what they meant."""
    for name in ("model", "sampler", "schedule"):
        if flat.get(f"hires.{name}") in old_files.SAME:
            flat.pop(f"hires.{name}", None)
    old = "schedule" not in flat
    old_files.tell_apart(flat, old=old)
    old_files.tell_apart_hires(flat, old=old)


def _images(values: dict[str, Any], given: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    first = next(iter(values.pop("init_images", None) or ()), "")
    mask = values.pop("mask", None) or ""
    return _decoded(first, "init_images") or given[0], _decoded(mask, "mask") or given[1]


def _decoded(text: str, field: str) -> bytes:
    """Base64, with or without the prefix of a data URL."""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except binascii.Error as error:
        raise RequestError(f"{field}: this is not base64.") from error


def _soft_inpainting(arguments: list[Any]) -> dict[str, Any]:
    """A1111's script takes its arguments by position, the first one says whether it is on."""
    on, *values = arguments
    names = list(SoftInpainting.model_fields)
    return {f"init.inpaint.soft.{name}": value for name, value in zip(names, values, strict=False)} if on else {}
