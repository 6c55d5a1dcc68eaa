"""Walks Euler's steps backwards from the picture to noise, which the sampler then begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from sdui.core.errors import RequestError
from sdui.core.events import Progress
from sdui.core.groups import values_of
from sdui.core.old_files import UNIFORM
from sdui.core.request import GenerationRequest
from sdui.engine.passes import Pass, Tools
from sdui.engine.run import Run
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import Img2imgAlternative

Denoise = Callable[[Tensor, float, float], Tensor]
"""(x, sigma, timestep) -> x0 under guidance."""


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, Img2imgAlternative)
    if values is None:
        return None
    if request.init is None:
        raise RequestError("Image: this script needs a picture to start from.")
    changes: dict[str, Any] = {"batch_size": 1}
    if values.override_sampler:
        changes |= {"sampler": "Euler", "schedule": UNIFORM}
    if values.override_prompt:
        changes |= {"prompt": values.original_prompt, "negative_prompt": values.original_negative_prompt}
    if values.override_steps:
        changes |= {"steps": values.st}
    if values.override_strength:
        changes |= {"init": request.init.model_copy(update={"denoising_strength": 1.0})}
    drawing.draw(request.model_copy(update=changes), drawing.show)
    return True


@hook
def first_noise(run: Run, plan: Pass, tools: Tools, noise: Tensor) -> Tensor | None:
    values = values_of(run.request, Img2imgAlternative)
    if values is None or run.init is None:
        return None
    if run.model.kind != "plain":
        raise RequestError(
            "img2img alternative test: it needs a checkpoint that is not made for inpainting or editing."
        )
    latents, levels = run.init.latents, plan.levels(run.request, plan.model)
    sigmas = plan.spec.sigmas(UNIFORM, values.st, levels, run.request.sampling)[::-1]
    find = _adjusted if values.sigma_adjustment else _walked
    found = find(latents, [float(sigma) for sigma in sigmas], levels.timestep, _denoiser(run, plan, tools, values))
    share = values.randomness
    mixed = ((1 - share) * found + share * noise) / (share**2 + (1 - share) ** 2) ** 0.5
    start = float(plan.spec.sigmas(UNIFORM, run.request.steps, levels, run.request.sampling)[0])
    return mixed - latents / start


def _denoiser(run: Run, plan: Pass, tools: Tools, values: Img2imgAlternative) -> Denoise:
    told = replace(plan, prompt=values.original_prompt, negative_prompt=values.original_negative_prompt)
    prompts = told.read(run, tools, plan.lease)
    positive, negative = prompts.parts[0][1].at(0), prompts.negative.at(0)
    step = iter(range(1, values.st + 1))

    def denoise(x: Tensor, sigma: float, timestep: float) -> Tensor:
        run.check()
        run.emit(Progress("Finding noise", next(step), values.st))
        without = plan.model.denoise(x, sigma, timestep, negative)
        return without + (plan.model.denoise(x, sigma, timestep, positive) - without) * values.cfg

    return denoise


def _walked(x: Tensor, sigmas: Sequence[float], timestep: Callable[[float], float], denoise: Denoise) -> Tensor:
    """sigmas rise from 0; each step goes by the derivative at its end, where the picture is taken to be already."""
    for before, after in pairwise(sigmas):
        x = x + (x - denoise(x, after, timestep(after))) / after * (after - before)
    return x / x.std()


def _adjusted(x: Tensor, sigmas: Sequence[float], timestep: Callable[[float], float], denoise: Denoise) -> Tensor:
    """By the derivative at each step's beginning; at sigma 0 there is none."""
    for before, after in pairwise(sigmas[1:]):
        x = x + (x - denoise(x, before, timestep(before))) / before * (after - before)
    return torch.as_tensor(x / sigmas[-1])
