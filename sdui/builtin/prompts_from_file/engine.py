"""Reads the lines, each a prompt or options, and draws one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sdui.builtin.started import with_fixed_seed
from sdui.core.errors import RequestError
from sdui.core.groups import values_of, without
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .lines import UNKEPT, options, with_options
from .params import PromptsFromFile


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
        given = options(line) if "--" in line else {"prompt": line}
        asked = with_options(base, given, values.position)
    except RequestError as error:
        tell(f"Line {number + 1}: {error} It was taken for a prompt: {line}")
        given = {"prompt": line}
        asked = with_options(base, given, values.position)
    if values.iterate and "seed" not in given:
        step = base.batch_size * base.batch_count
        asked = asked.model_copy(update={"seed": base.seed + number * step})
    return asked, given.get(UNKEPT, "").casefold() != "true"
