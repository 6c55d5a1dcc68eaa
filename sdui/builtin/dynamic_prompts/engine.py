"""Chooses each picture's words from its seed, and keeps the template in its text."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sdui.core.request import GenerationRequest
from sdui.engine.run import Run
from sdui.extensions.contracts import Texts
from sdui.extensions.hooks import hook
from sdui.prompt.dynamic import expanded, is_dynamic
from sdui.prompt.wildcards import Wildcards, folders


@hook
def texts(
    request: GenerationRequest,
    seeds: Sequence[int],
    subseeds: Sequence[int],
    data: Path,
    tell: Callable[[str], None],
) -> Sequence[Texts] | None:
    templates = request.prompt, request.negative_prompt
    if not any(map(is_dynamic, templates)):
        return None
    wildcards = Wildcards(folders(data))
    missing: dict[str, None] = {}

    def lookup(name: str) -> list[str]:
        lines = wildcards.lines(name)
        if not lines:
            missing[f"__{name}__"] = None
        return lines

    made: list[Texts] = []
    for seed, subseed in zip(seeds, subseeds, strict=True):
        chance = random.Random(seed + subseed if request.subseed_strength else seed)
        made.append(Texts(*(expanded(template, chance, lookup) for template in templates)))
    if missing:
        tell(f"Prompt: there is no wildcard {', '.join(missing)} in {data / 'wildcards'}; it stays as it is.")
    return made


@hook
def infotext(run: Run) -> dict[str, Any] | None:
    prompts = {"Template": "prompt", "Negative Template": "negative_prompt"}
    asked = {key: getattr(run.template, field) for key, field in prompts.items()}
    return {key: text for key, text in asked.items() if text != getattr(run.request, prompts[key])}
