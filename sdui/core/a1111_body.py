"""Requests from the names and numbers that A1111's API, scripts and config.json use."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from . import infotext, old_files
from .errors import RequestError
from .groups import PREFIX, Group, Kind, groups_of
from .params import declared, explain, nest
from .request import GenerationRequest
from .stages import SoftInpainting

API_DEFAULTS: dict[str, Any] = {"steps": 50, "sampler_name": "Euler"}
IMG2IMG_DEFAULTS: dict[str, Any] = {
    "denoising_strength": 0.75,
    "inpainting_fill": 0,
    "inpaint_full_res": True,
    "inpaint_full_res_padding": 0,
}
_SOFT = "soft inpainting"
_NONE = "None"


_TAG = re.compile(r"<\w+:[^>]+>")
"""Of an extra network."""
_NO_OPTIONS = frozenset(
    ("init_images", "mask", "extensions", "alwayson_scripts", "script_name", "script_args", "infotext", "styles")
)
"""Fields that cannot be in `override_settings`."""


class FromBody(NamedTuple):
    request: GenerationRequest
    unused: tuple[str, ...]
    """Keys that mean nothing to a request."""
    said: frozenset[str] = frozenset()
    """Paths of the parameters that the body says something of; the others have defaults."""


def request_from(
    body: dict[str, Any],
    kind: Kind,
    images: tuple[bytes, bytes] = (b"", b""),
    model: type[GenerationRequest] = GenerationRequest,
) -> FromBody:
    """The body of /sdapi/v1/txt2img or img2img; `override_settings` count like fields of their own.

    `images` are the init image and the mask where the body has none. `model` is the class of requests with the
    parameters of the extensions that are here: a field `extensions` has them by their names, A1111's `script_args` and
    `alwayson_scripts` by their places. Raises RequestError naming the field.
    """
    overridden: dict[str, Any] = body.get("override_settings") or {}
    options = {name: value for name, value in overridden.items() if name not in _NO_OPTIONS}
    own: dict[str, Any] = {
        key: value for key, value in body.items() if value is not None and key != "override_settings"
    } | options
    defaults = API_DEFAULTS | (IMG2IMG_DEFAULTS if kind == "img2img" else {})
    values = defaults | own
    copied = _copied(values.pop("infotext", ""), kind, own, model)
    image, mask = _images(values, images)
    flat, scripts = _groups(values, kind, model)
    _old_names(values, own)
    _old_hires(values)
    _drop_tags(values)
    _add_hypernetwork(values)
    stages = _stages(values, kind, bool(mask)) | (copied.keys() & {"hires"})
    flat |= {"hires": {}} if "hires" in stages else {}
    for path, name in paths():
        if path.rpartition(".")[0] in stages and name in values and path not in copied:
            flat[path] = values[name]
    used = {name for path, name in paths() if path in flat or path in copied}
    _names_of_today(flat)
    flat = copied | flat
    if kind == "img2img":
        flat["init.image"] = image
        if mask:
            flat["init.inpaint.mask"] = mask
        soft: Any = next((arguments for title, arguments in scripts.items() if title.casefold() == _SOFT), None)
        flat |= _soft_inpainting(soft) if mask and soft else {}
    fields = (key for key in own if key in values and key not in used)
    unused = (*fields, *(title for title in scripts if title.casefold() != _SOFT))
    said = (
        frozenset(path for path, name in paths() if name in own or name in values.keys() - defaults.keys())
        | copied.keys()
    )
    try:
        return FromBody(model.model_validate(nest(flat)), unused, said)
    except ValidationError as error:
        raise RequestError(explain(error, model)) from error


def _copied(text: str, kind: Kind, own: dict[str, Any], model: type[GenerationRequest]) -> dict[str, Any]:
    """What an infotext says, by path, where the body says nothing itself."""
    if not text:
        return {}
    taken = {path for path, name in paths() if name in own}
    stages = ("init",) if kind == "img2img" else ("hires",)
    said = infotext.values(infotext.parse_loosely(text, model), model)
    return {
        path: value
        for path, value in said.items()
        if path not in taken
        and path not in ("init.image", "init.inpaint.mask", "init.inpaint")
        and (path.split(".")[0] not in ("init", "hires", "extensions") or path.split(".")[0] in stages)
    }


def paths() -> list[tuple[str, str]]:
    """Where each of A1111's names goes; a name may go to several places."""
    return [(d.path, d.name) for d in declared(GenerationRequest)]


def _groups(
    values: dict[str, Any], kind: Kind, model: type[GenerationRequest]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The extensions' values by path, and those of `alwayson_scripts` that are none of theirs."""
    groups = groups_of(model)
    titles = {title.casefold(): group for group in groups.values() for title in (group.title, group.name)}
    flat: dict[str, Any] = _switched(values, groups)
    for name, given in dict(values.pop("extensions", None) or {}).items():
        if name not in groups:
            raise RequestError(f"extensions: there is no {name!r}; known are {', '.join(groups) or 'none'}.")
        flat |= {PREFIX + name: {}} | {f"{PREFIX}{name}.{field}": value for field, value in dict(given).items()}
    always: dict[str, Any] = values.pop("alwayson_scripts", None) or {}
    scripts = {title: _args(title, given) for title, given in always.items()}
    for title in [title for title in scripts if title.casefold() in titles]:
        flat |= dict(_arguments(titles[title.casefold()], scripts.pop(title), kind))
    if title := values.pop("script_name", None):
        if title.casefold() not in titles:
            raise RequestError(f"script_name: there is no script {title!r}.")
        flat |= dict(_arguments(titles[title.casefold()], values.pop("script_args", None) or [], kind))
    values.pop("script_args", None)
    return flat, scripts


def _args(title: str, given: Any) -> Any:
    """Of one script: a list in A1111's order, or a dict by name."""
    arguments = cast("dict[str, Any]", given).get("args", []) if isinstance(given, dict) else given
    if not isinstance(arguments, list | dict):
        raise RequestError(f'alwayson_scripts: {title} needs {{"args": [...]}}.')
    return cast("Any", arguments)


def _switched(values: dict[str, Any], groups: dict[str, type[Group]]) -> dict[str, Any]:
    """Groups that A1111 has fields and options of its own for."""
    flat: dict[str, Any] = {}
    for group in (group for group in groups.values() if group.switch):
        given = [values.pop(name, False) for name in group.switch]
        on = any(given)
        for d in declared(group):
            if (value := values.pop(d.name, None)) is not None and on:
                flat |= {f"{PREFIX}{group.name}.{d.path}": value}
        if on:
            nothing: dict[str, Any] = {PREFIX + group.name: {}}
            flat = nothing | flat
    return flat


def _arguments(group: type[Group], given: Any, kind: Kind) -> Iterator[tuple[str, Any]]:
    """By path. `given`: in A1111's order, or by name."""
    named = cast("dict[str, Any]", given) if isinstance(given, dict) else group.from_arguments(given, kind)
    yield PREFIX + group.name, {}
    for field, value in named.items():
        yield f"{PREFIX}{group.name}.{field}", value


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


def _old_names(values: dict[str, Any], own: dict[str, Any]) -> None:
    """Fields and options that stand for others. own: those that are no defaults."""
    if "eta" in values:
        values["eta_ancestral"] = values["eta_ddim"] = values.pop("eta")
    if (schedule := values.pop("k_sched_type", "Automatic")) != "Automatic":
        values["scheduler"] = schedule
    if (sampler := values.pop("sampler_index", "")) and "sampler_name" not in own:
        values["sampler_name"] = sampler
    if isinstance(values.get("inpaint_full_res"), bool):
        values["inpaint_full_res"] = int(values["inpaint_full_res"])
    for name in ("seed_resize_from_w", "seed_resize_from_h"):
        if values.get(name) == -1:
            values[name] = 0


def _old_hires(values: dict[str, Any]) -> None:
    """The size of the first pass, from when width and height were those of the second."""
    first = [values.pop(f"firstphase_{side}", 0) for side in ("width", "height")]
    if values.get("enable_hr") and any(first):
        target = values.get("width", 512), values.get("height", 512)
        values["hr_resize_x"], values["hr_resize_y"] = target
        values["width"], values["height"] = first if all(first) else old_files.first_pass_size(*target)


def _drop_tags(values: dict[str, Any]) -> None:
    if values.pop("disable_extra_networks", False):
        for field in ("prompt", "negative_prompt", "hr_prompt", "hr_negative_prompt"):
            if isinstance(text := values.get(field), str):
                values[field] = _TAG.sub("", text)


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
    return decoded(first, "init_images") or given[0], decoded(mask, "mask") or given[1]


def decoded(text: str, field: str) -> bytes:
    """Base64, with or without the prefix of a data URL."""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except ValueError as error:
        raise RequestError(f"{field}: this is not base64.") from error


def _soft_inpainting(arguments: Any) -> dict[str, Any]:
    """A1111's script takes its arguments by position, the first one says whether it is on."""
    on, *values = cast("dict[str, Any]", arguments).values() if isinstance(arguments, dict) else arguments
    names = list(SoftInpainting.model_fields)
    return {f"init.inpaint.soft.{name}": value for name, value in zip(names, values, strict=False)} if on else {}
