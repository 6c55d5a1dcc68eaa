"""A1111's infotext, written from and read into a request by the declarations alone.

Format: the prompt's lines, "Negative prompt: ...", then one line of "Key: value" pairs. Values with a comma, colon
or line break are JSON strings. Pictures made before A1111 1.9 name sampler and schedule together.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from .params import Declared, declared, nest
from .recipes import tidy
from .request import GenerationRequest

_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"(\d+)\s*[xX]\s*(\d+)")
_NEGATIVE = "Negative prompt:"
_SILENT = ("version", "modelhash")
"""Pairs that need no remark: they tell of the picture, or are used without being parameters of the form."""
_LEAST_PAIRS = 3
"""A last line with fewer pairs is part of the prompt (A1111's rule)."""
_OLD_SCHEDULES = ("Karras", "Exponential")
"""Suffixes of sampler names in pictures from before A1111 1.9."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An infotext taken apart, nothing validated."""

    prompt: str = ""
    negative_prompt: str = ""
    pairs: dict[str, str] = field(default_factory=dict[str, str])


def quote(value: Any) -> str:
    """As it stands, or as a JSON string where a comma, colon or line break would be misread."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ",\n:") else text


def unquote(text: str) -> str:
    """The reverse of `quote`; anything that is no JSON string is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return str(json.loads(text))
    except json.JSONDecodeError:
        return text


def write(request: GenerationRequest, facts: dict[str, Any]) -> str:
    """The text that reproduces `request`; `facts` follow the parameters in their own order."""
    pairs: dict[str, Any] = {}
    for d in declared(GenerationRequest):
        if d.path == "width":
            pairs["Size"] = f"{request.width}x{request.height}"
        elif d.param.infotext and (d.param.infotext_always or d.of(request) != d.field.default):
            pairs[d.param.infotext] = (
                _shown(d.of(request)) if d.of(request) is not None else pairs.get(d.param.infotext)
            )
    pairs = {key: value for key, value in (pairs | facts).items() if value not in (None, "")}
    line = ", ".join(f"{key}: {quote(value)}" for key, value in pairs.items())
    negative = f"\n{_NEGATIVE} {request.negative_prompt}" if request.negative_prompt else ""
    return f"{request.prompt}{negative}\n{line}".strip()


def parse(text: str) -> Parsed:
    """Take any text apart; never raises. Without a line of pairs everything is prompt."""
    lines = text.strip().split("\n")
    found = _PAIR.findall(lines[-1])
    if len(found) < _LEAST_PAIRS:
        found = []
    else:
        lines = lines[:-1]
    prompt: list[str] = []
    negative: list[str] | None = None
    for line in (line.strip() for line in lines):
        if line.startswith(_NEGATIVE):
            negative = [*(negative or []), line.removeprefix(_NEGATIVE).strip()]
        else:
            (prompt if negative is None else negative).append(line)
    pairs = {k.strip(): unquote(v.strip()) for k, v in found}
    # A recipe on one line has the negative prompt among the pairs.
    inline = pairs.pop(_NEGATIVE.rstrip(":"), "")
    return Parsed("\n".join(prompt), inline or "\n".join(negative or []), pairs)


def parse_loosely(text: str) -> Parsed:
    """The same for recipes that lost their form on the way, which A1111 would misread."""
    return parse(tidy(text, _keys()))


def unread(text: str) -> list[str]:
    """A sentence for everything in an infotext that `read` leaves out or changes."""
    pairs = {_squeezed(key): (key, value) for key, value in parse_loosely(text).pairs.items()}
    request, remarks = read(text), list[str]()
    for d in _readable():
        key, value = pairs.pop(_squeezed(d.param.infotext), ("", "")) if d.param.infotext else ("", "")
        if value and not _valid(d, value):
            remarks.append(f"{key}: {value} is not valid here and was left out.")
    key, value = pairs.pop("size", ("", ""))
    if value and _SIZE.match(value) and value.replace(" ", "").lower() != f"{request.width}x{request.height}":
        remarks.append(f"{key}: {value} became {request.width}x{request.height}.")
    others = ", ".join(key for squeezed, (key, _) in pairs.items() if squeezed not in _SILENT)
    return [*remarks, *([f"This version of sdui does not use: {others}."] if others else [])]


def read(text: str) -> GenerationRequest:
    """The request behind an infotext; what it does not say, or says in a way that is not valid, keeps its default."""
    parsed = parse_loosely(text)
    values: dict[str, Any] = {"prompt": parsed.prompt, "negative_prompt": parsed.negative_prompt}
    given = {_squeezed(key): value for key, value in parsed.pairs.items()}
    for d in _readable():
        if d.param.infotext and (value := given.get(_squeezed(d.param.infotext))) and _valid(d, value):
            values[d.path] = value
    if size := _SIZE.match(given.get("size", "")):
        sides = {"width": size[1], "height": size[2]}
        values |= {d.path: sides[d.path] for d in declared(GenerationRequest) if _valid(d, sides.get(d.path))}
    if "schedule" not in values and "sampler" in values:
        values |= _old_sampler(values["sampler"])
    return GenerationRequest.model_validate(nest(values))


def _readable() -> list[Declared]:
    """What an infotext can bring back; the stages need more than their own pairs."""
    stages = ("init.", "hires.", "refiner.")
    return [d for d in declared(GenerationRequest) if not d.path.startswith(stages)]


def _keys() -> list[str]:
    """The names of pairs that mean something here."""
    return ["Size", "Version", *(d.param.infotext for d in declared(GenerationRequest) if d.param.infotext)]


def _old_sampler(name: str) -> dict[str, str]:
    """Both names in one, "DPM++ 2M Karras"; a plain name used to mean the uniform schedule."""
    sampler, _, last = name.rpartition(" ")
    if last in _OLD_SCHEDULES:
        return {"sampler": sampler, "schedule": last}
    return {"sampler": name, "schedule": "Uniform"}


def _valid(d: Declared, value: Any) -> bool:
    if value is None:
        return False
    try:
        GenerationRequest.model_validate(nest({d.path: value}))
    except ValidationError:
        return False
    return True


def _squeezed(key: str) -> str:
    """Recipes copied from web pages lose spaces: "CFGscale", "Modelhash"."""
    return key.replace(" ", "").casefold()


def _shown(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
