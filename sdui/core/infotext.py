"""A1111's infotext, written from and read into a request by the declarations.

pairs.py knows the form, infotext_keys.py the keys, old_files.py what has changed, recipes.py what gets lost on the way.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError

from . import infotext_keys as key_table
from . import old_files
from .groups import script_of
from .pairs import NEGATIVE, PROMPT, Parsed, compose, parse, quote, squeezed, unquote
from .params import flatten, nest
from .recipes import tidy
from .request import GenerationRequest
from .stages import INPAINT_AREAS

__all__ = [
    "Parsed",
    "pairs_of",
    "parse",
    "parse_loosely",
    "quote",
    "read",
    "shown",
    "unquote",
    "unread",
    "values",
    "write",
]

R = TypeVar("R", bound=GenerationRequest)

_SIZE = re.compile(r"(\d{1,9})\s*[xX]\s*(\d{1,9})")
_SIZE_KEY = "Size"
_OPTIONAL = ("init", "init.inpaint", "init.inpaint.soft", "hires", "refiner")
_HIRES_KEYS = ("hiresupscale", "hiresresize", "hiresupscaler", "firstpasssize")
"""A picture with one of these had a second pass; one with a denoising strength alone had a first picture."""


def write(request: GenerationRequest, facts: dict[str, Any]) -> str:
    """The text that reproduces `request`, but for the pictures that it starts from.

    Parameters that differ from their defaults, and some always, in A1111's order; then `request.others`, then `facts`,
    which are keys of no parameter and win over others'. A fact that is None or "" is left out.
    """
    pairs = pairs_of(request) | {key: value for key, value in facts.items() if value not in (None, "")}
    pairs = {key: pairs[key] for key in sorted(pairs, key=key_table.place_in_order)}
    text = compose(request.prompt, request.negative_prompt, pairs)
    found = parse_loosely(text, type(request))
    if (found.prompt, found.negative_prompt) == (request.prompt, request.negative_prompt):
        return text
    # Blanks around a line, or a line that begins like another part: A1111 takes such pairs for the prompts as well.
    exact = {PROMPT: request.prompt, NEGATIVE: request.negative_prompt}
    return compose(request.prompt, request.negative_prompt, pairs | exact)


def pairs_of(request: GenerationRequest, without: Container[str] = ()) -> dict[str, str]:
    """What `write` has beside the prompts: parameters, those at the paths `without` left out, then others."""
    pairs = {key: str(value) for key, value in _parameters(request, without).items()}
    return pairs | {key: value for key, value in request.others.items() if key_table.is_stranger(key, type(request))}


def parse_loosely(text: str, model: type[GenerationRequest] = GenerationRequest) -> Parsed:
    """`parse` for recipes that lost their form on the way as well, which A1111 would misread."""
    return parse(tidy(text, key_table.names(model)))


def read(text: str, model: type[R] = GenerationRequest) -> R:
    """The request behind an infotext; what it does not say, or says in a way that is not valid, keeps its default.

    Pictures that it started from are b"", "to be given". Keys that mean nothing here are in `others`. `model` is the
    class of requests with the parameters of the extensions that are here.
    """
    return cast("R", _read(text, model).request)


def values(parsed: Parsed, model: type[GenerationRequest] = GenerationRequest) -> dict[str, Any]:
    """What an infotext says, by path and in today's terms; nothing is validated yet."""
    given = {squeezed(key): _whole(value) for key, value in parsed.pairs.items()}
    stages = tuple(_stages(given, model))
    optional = (*_OPTIONAL, *key_table.extension_stages(model))
    flat: dict[str, Any] = {stage: {} for stage in stages if stage in optional}
    flat |= {"prompt": parsed.prompt, "negative_prompt": parsed.negative_prompt}
    flat |= {path: b"" for path in ("init.image", "init.inpaint.mask") if path.rpartition(".")[0] in stages}
    for squeezed_key, value in given.items():
        if key := key_table.by_squeezed(model).get(squeezed_key):
            for place in key.places:
                if place.stage in stages:
                    flat |= _values(place, value)
    _bring_up_to_date(flat, given)
    flat["others"] = {key: _whole(value) for key, value in parsed.pairs.items() if key_table.is_stranger(key, model)}
    return flat


def unread(text: str, model: type[GenerationRequest] = GenerationRequest) -> list[str]:
    """A sentence for everything in an infotext that `read` leaves out or changes."""
    parsed, request, invalid = _read(text, model)
    remarks: list[str] = []
    for text, value in parsed.pairs.items():
        key = key_table.by_squeezed(model).get(squeezed(text))
        if key and key.text == _SIZE_KEY:
            if value.replace(" ", "").lower() != f"{request.width}x{request.height}":
                remarks.append(f"{text}: {value} became {request.width}x{request.height}.")
        elif key and any(path in invalid for place in key.places for path in place.paths):
            remarks.append(f"{text}: {value} is not valid here and was left out.")
    others = ", ".join(request.lasting_others)
    return [*remarks, *([f"This version of sdui does not use: {others}."] if others else [])]


def _parameters(request: GenerationRequest, without: Container[str]) -> dict[str, Any]:
    """Keys and what is to be written under them."""
    script = script_of(request)
    pairs: dict[str, Any] = {key_table.SCRIPT: script.title} if script else {}
    flat = flatten(request)
    for key in key_table.all_keys(type(request)):
        for place in (place for place in key.places if any(path not in without for path in place.paths)):
            held = tuple(flat.get(path) for path in place.paths)
            if None not in held and (place.always or held != place.defaults):
                pairs[key.text] = "x".join(str(shown(value)) for value in held)
    hires, inpaint = request.hires, request.init and request.init.inpaint
    if hires and (hires.resize_x or hires.resize_y) and hires.scale == type(hires).model_fields["scale"].default:
        pairs.pop("Hires upscale", None)
    if inpaint and inpaint.area == INPAINT_AREAS[1] and "init.inpaint.padding" not in without:
        pairs["Masked area padding"] = inpaint.padding
    if inpaint and inpaint.soft:
        pairs[key_table.SOFT] = True
    return pairs


def shown(value: Any) -> Any:
    """A value as an infotext has it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Reading(NamedTuple):
    parsed: Parsed
    request: GenerationRequest
    invalid: frozenset[str]
    """Paths whose value in the text is not valid."""


def _read(text: str, model: type[GenerationRequest]) -> _Reading:
    parsed = parse_loosely(_whole(text), model)
    return _Reading(parsed, *_validated(values(parsed, model), model))


def _whole(text: str) -> str:
    """Half of an emoji, as broken programs leave it, can be neither stored nor shown."""
    return text.encode(errors="replace").decode()


def _stages(given: dict[str, str], model: type[GenerationRequest]) -> Iterator[str]:
    """The groups and stages of the picture that these keys tell of."""
    yield from ("", "text", "text.sdxl", "sampling", "guidance")
    if any(key in given for key in _HIRES_KEYS):
        yield "hires"
    elif "denoisingstrength" in given:
        soft = given.get(squeezed(key_table.SOFT), "").casefold() == "true"
        yield "init"
        if soft or any(key in given for key in key_table.of_stage("init.inpaint")):
            yield "init.inpaint"
        if soft:
            yield "init.inpaint.soft"
    if given.get("refiner", "None") not in ("", "None"):
        yield "refiner"
    for stage in key_table.extension_stages(model):
        if any(key in given for key in key_table.of_stage(stage, model)):
            yield stage


def _values(place: key_table.Place, value: str) -> dict[str, str]:
    """What one key says, by path."""
    if len(place.paths) == 1:
        same = place.stage == "hires" and value in old_files.SAME
        return {} if same else {place.paths[0]: value}
    size = _SIZE.match(value)
    return dict(zip(place.paths, size.groups(), strict=True)) if size else {}


def _bring_up_to_date(flat: dict[str, Any], given: dict[str, str]) -> None:
    """Turn old names, sizes and behaviour into today's."""
    made_by = old_files.version(given.get("version"))
    if hypernet := given.get(squeezed(key_table.HYPERNET)):
        strength = given.get(squeezed(key_table.HYPERNET_STRENGTH), "1.0")
        flat["prompt"] += f"<hypernet:{hypernet}:{strength}>"
    options = old_files.options(made_by, flat["prompt"], flat.get("sampler", ""))
    if old_files.may_be_newer(made_by):
        # A1111's paste, and so a1111_paste, takes them all for the release.
        options.pop("Downcast alphas_cumprod")
    for key in options:
        (place,) = key_table.by_squeezed()[squeezed(key)].places
        flat |= dict.fromkeys(place.paths, True)
    if "refiner" in flat:
        flat.setdefault("refiner.switch_by_steps", old_files.refined_by_steps(made_by))
    old = not old_files.had_schedules(made_by)
    old_files.tell_apart(flat, old=old)
    old_files.tell_apart_hires(flat, old=old and "scheduletype" not in given)
    if size := _SIZE.match(given.get("firstpasssize", "")):
        target = int(flat.get("width", 512)), int(flat.get("height", 512))
        first = int(size[1]), int(size[2])
        flat["width"], flat["height"] = first if all(first) else old_files.first_pass_size(*target)
        flat["hires.resize_x"], flat["hires.resize_y"] = target


def _validated(flat: dict[str, Any], model: type[GenerationRequest]) -> tuple[GenerationRequest, frozenset[str]]:
    """The request, and the paths of what had to be left out because it is not valid."""
    try:
        return model.model_validate(nest(flat)), frozenset()
    except ValidationError as error:
        wrong = frozenset(".".join(map(str, problem["loc"])) for problem in error.errors())
    valid = {path: value for path, value in flat.items() if path not in wrong}
    return model.model_validate(nest(valid)), wrong
