"""A1111's "Override settings": what a request says beyond the page's controls, as texts "Clip skip: 2"."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from pydantic import ValidationError

from . import infotext
from . import infotext_keys as key_table
from .errors import RequestError
from .pairs import NEGATIVE, PROMPT, is_key, squeezed
from .params import explain, flatten, nest
from .request import GenerationRequest
from .stages import InitImage


def entries(
    request: GenerationRequest, controls: Collection[str], standing: Mapping[str, Any] | None = None
) -> list[str]:
    """One for each pair of the infotext that none of the `controls`, paths of parameters, shows; unknown ones too.

    standing: what is so without an entry, by path (`standing.values`); what differs from it has an entry.
    """
    held, settled = flatten(request), standing or {}
    same = {path for path, value in settled.items() if held.get(path) == value}
    pairs = infotext.pairs_of(request, without={*controls, *same})
    for path in settled.keys() - same - set(controls):
        if path in held and (key := _keys(type(request)).get(path)):
            pairs.setdefault(key, str(infotext.shown(held[path])))
    return [f"{key}: {value}" for key, value in pairs.items() if key not in (key_table.SCRIPT, key_table.SOFT)]


def apply(request: GenerationRequest, texts: Any) -> GenerationRequest:
    """`request` with these entries in the place of what it said before; they change no extension, and no pictures.

    Raises RequestError with a sentence for every entry that cannot be used; `texts` may be anything.
    """
    given = _pairs(texts)
    if not given:
        return request
    pairs = infotext.pairs_of(request) | given
    prompts = pairs.pop(PROMPT, request.prompt), pairs.pop(NEGATIVE, request.negative_prompt)
    said = infotext.values(infotext.Parsed(*prompts, pairs), type(request))
    elsewhere = ("init", "extensions", *(["hires"] if request.init else []))
    flat = {path: value for path, value in said.items() if path.split(".")[0] not in elsewhere}
    if request.init:
        flat |= _of_the_picture(request.init, said)
    if useless := [f"{key}: {value}" for key, value in given.items() if not _lands(key, flat, type(request))]:
        raise RequestError("\n".join(f"Override settings: {text!r} does nothing here; remove it." for text in useless))
    kept = {name: getattr(request, name) for name in request.model_fields_set}
    try:
        return type(request).model_validate(kept | nest(flat))
    except ValidationError as error:
        raise RequestError(f"Override settings: {explain(error, type(request), _keys(type(request)))}") from error


def _of_the_picture(init: InitImage, said: dict[str, Any]) -> dict[str, Any]:
    """What is done to the picture, by path: as it is, under what was said of it. Nothing that is off is switched on."""
    held = flatten(init, "init.")
    return held | {path: value for path, value in said.items() if path in held and isinstance(value, str)}


def _pairs(texts: Any) -> dict[str, str]:
    if not isinstance(texts, list | None):
        raise RequestError("Override settings: a list of entries is needed.")
    return dict(_pair(text) for text in cast("list[Any]", texts or []))


def _pair(text: Any) -> tuple[str, str]:
    key, colon, value = str(text).partition(": ")
    if not colon or not is_key(key):
        raise RequestError(f"Override settings: 'Key: value' is needed, not {str(text)[:200]!r}.")
    return key, value


def _lands(key: str, flat: dict[str, Any], model: type[GenerationRequest]) -> bool:
    """Whether the pair has said something: others do nothing without their stage, such as "Hires steps" alone."""
    known = key_table.by_squeezed(model).get(squeezed(key))
    return known is None or any(path in flat for place in known.places for path in place.paths)


def _keys(model: type[GenerationRequest]) -> dict[str, str]:
    """The key of each path, which is what the entry with a wrong value begins with."""
    return {path: key.text for key in key_table.all_keys(model) for place in key.places for path in place.paths}
