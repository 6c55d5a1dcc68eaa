"""A line of options, as A1111's script has them: --prompt a red house --steps 30"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sdui.core import old_files
from sdui.core.errors import RequestError
from sdui.core.params import changed, explain
from sdui.core.request import GenerationRequest

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
PATHS = {name: name for name in _SAME_NAMES} | {
    "sd_model": "model",
    "sampler_name": "sampler",
    "n_iter": "batch_count",
}
"""Fields of the request by A1111's options."""
_ELSEWHERE = ("outpath_samples", "outpath_grids", "prompt_for_display", "do_not_save_grid", "sampler_index")
"""Options of A1111 that mean nothing here: where and whether files are saved is for the settings to say."""
UNKEPT = "do_not_save_samples"


def options(line: str) -> dict[str, str]:
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
            if name not in (*_PROMPTS, *PATHS, *_ELSEWHERE, UNKEPT):
                raise RequestError(f"there is no option {word}.")
            found[name] = ""
        elif not name:
            raise RequestError(f"an option is needed before {word!r}.")
        else:
            found[name] = f"{found[name]} {word}".strip()
    if empty := [name for name, value in found.items() if not value and name not in _PROMPTS]:
        raise RequestError(f"--{empty[0]} needs a value.")
    return found


def with_options(base: GenerationRequest, given: Mapping[str, str], position: str) -> GenerationRequest:
    """position: prompts are put before, "start", or behind those of `base`. Raises RequestError."""
    made = base
    try:
        for name, text in given.items():
            if name in _PROMPTS:
                if text:
                    both = (text, getattr(base, name))
                    made = made.model_copy(update={name: " ".join(both if position == "start" else both[::-1])})
            elif name in PATHS:
                made = _changed(made, PATHS[name], text)
    except ValidationError as error:
        raise RequestError(explain(error, type(base))) from error
    return made


def _changed(request: GenerationRequest, path: str, text: str) -> GenerationRequest:
    value: Any = text
    if path == "sampler":
        value, schedule = old_files.names(text, "", old=False)
        if old_files.schedule_in(text):
            request = changed(request, "schedule", schedule) or request
    elif path == "styles":
        value = (*request.styles, *(name.strip() for name in text.split(",")))
    return changed(request, path, value) or request
