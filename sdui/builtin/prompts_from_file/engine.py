"""Reads the lines, each a prompt or options, and draws one after the other."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from sdui.builtin.started import with_fixed_seed
from sdui.core import old_files
from sdui.core.errors import RequestError
from sdui.core.groups import values_of, without
from sdui.core.params import changed, explain
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import PromptsFromFile

_PROMPTS = ("prompt", "negative_prompt")
_SAME_NAMES = (
    "seed",
    "subseed",
    "subseed_strength",
    "seed_resize_from_h",
    "seed_resize_from_w",
    "batch_size",
    "steps",
    "cfg_scale",
    "width",
    "height",
    "styles",
    "tiling",
)
_PATHS = {name: name for name in _SAME_NAMES} | {
    "sd_model": "model",
    "sampler_name": "sampler",
    "n_iter": "batch_count",
}
"""Fields of the request by A1111's options."""
_ELSEWHERE = ("outpath_samples", "outpath_grids", "prompt_for_display", "do_not_save_grid", "sampler_index")
"""Options of A1111 that mean nothing here: where and whether files are saved is for the settings to say."""
_UNKEPT = "do_not_save_samples"


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, PromptsFromFile)
    if values is None:
        return None
    base = without(request, PromptsFromFile)
    if values.iterate or values.same_seed:
        base = with_fixed_seed(base)
    lines = [line.strip() for line in values.lines.splitlines() if line.strip()]
    if not lines:
        raise RequestError("List of prompt inputs: it is empty.")
    jobs = [_job(number, line, base, values, drawing.tell) for number, line in enumerate(lines)]
    drawing.plan(len(jobs))
    for asked, kept in jobs:
        drawing.draw(asked, lambda image, kept=kept: drawing.show(replace(image, kept=kept)))
    return True


def _job(
    number: int, line: str, base: GenerationRequest, values: PromptsFromFile, tell: Callable[[str], None]
) -> tuple[GenerationRequest, bool]:
    """The line's request, and whether its pictures are saved."""
    try:
        options = _options(line) if "--" in line else {"prompt": line}
        asked = _with_options(base, options, values.position)
    except RequestError as error:
        tell(f"Line {number + 1}: {error} It was taken for a prompt: {line}")
        options = {"prompt": line}
        asked = _with_options(base, options, values.position)
    if values.iterate and "seed" not in options:
        step = base.batch_size * base.batch_count
        asked = asked.model_copy(update={"seed": base.seed + number * step})
    return asked, options.get(_UNKEPT, "").casefold() != "true"


def _options(line: str) -> dict[str, str]:
    """ "--steps 30 --prompt a red house" -> names and values; a value goes up to the next option.

    Raises RequestError.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise RequestError(f"its quotes do not match ({error}).") from error
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word[2:]
            if name not in (*_PROMPTS, *_PATHS, *_ELSEWHERE, _UNKEPT):
                raise RequestError(f"there is no option {word}.")
            found[name] = ""
        elif not name:
            raise RequestError(f"an option is needed before {word!r}.")
        else:
            found[name] = f"{found[name]} {word}".strip()
    if empty := [name for name, value in found.items() if not value and name not in _PROMPTS]:
        raise RequestError(f"--{empty[0]} needs a value.")
    return found


def _with_options(base: GenerationRequest, options: dict[str, str], position: str) -> GenerationRequest:
    """Prompts are put before or behind those of the page. Raises RequestError."""
    made = base
    try:
        for name, text in options.items():
            if name in _PROMPTS:
                if text:
                    both = (text, getattr(base, name))
                    made = made.model_copy(update={name: " ".join(both if position == "start" else both[::-1])})
            elif name in _PATHS:
                made = _changed(made, _PATHS[name], text)
    except ValidationError as error:
        raise RequestError(explain(error, type(base))) from error
    return made


def _changed(request: GenerationRequest, path: str, text: str) -> GenerationRequest:
    value: Any = text
    if path == "sampler":
        names = old_files.names(text, "", old=False)
        if names.sampler != text:
            request = changed(request, "schedule", names.schedule) or request
        value = names.sampler
    elif path == "styles":
        value = (*request.styles, *(name.strip() for name in text.split(",")))
    return changed(request, path, value) or request
