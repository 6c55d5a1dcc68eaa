"""txt2img and img2img, with or without hires fix, in the order it happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdui import __version__
from sdui.core.events import GeneratedImage, Kind, Notice
from sdui.core.stages import Hires
from sdui.imaging.hires_size import HiresSize, hires_size
from sdui.models.vae import WORDS

from .conditions import conditions_of
from .hires import LATENT_MODES, enlarge
from .passes import Asked, Tools, first_of, run_sampler, second_of
from .run import Run
from .steps import partial_steps

_MANY_CHUNKS = 8
_LONG_PROMPT = (
    "Prompt: it fills {chunks} chunks of 75 tokens. All of it is used, but each word counts for little "
    "and drawing takes longer."
)


@torch.inference_mode()
def generate(run: Run, tools: Tools) -> list[GeneratedImage]:
    """One batch: encode the prompts, sample, enlarge and sample again where wanted, decode.

    Raises Interrupted when asked to stop.
    """
    hires = run.request.hires
    with ExitStack() as patches:
        latents = _first_pass(run, tools, patches)
        if hires is None:
            return _decoded(run, latents)
        size = hires_size(run.request.width, run.request.height, hires)
        latent = hires.upscaler in LATENT_MODES
        upscale = None if latent else tools.upscalers.used(hires.upscaler, run.context)
        enlarged = enlarge(run.model, latents, hires, size, upscale)
    with ExitStack() as patches:
        return _decoded(run, _second_pass(run, tools, patches, enlarged, hires, size))


def _first_pass(run: Run, tools: Tools, patches: ExitStack) -> Tensor:
    """Noise, or a picture with noise on it -> latents [B,C,h,w]."""
    request, plan = run.request, first_of(run, tools)
    plan.begin(run, patches)
    prompts = plan.read(run, tools, plan.lease)
    if run.pace.batch == 0 and prompts.chunks() > _MANY_CHUNKS:
        run.emit(Notice(_LONG_PROMPT.format(chunks=prompts.chunks())))
    noise, course = plan.noise(run), plan.course(request)
    first = run.host.passed_on("first_noise", "noise", noise.draw(), run=run, plan=plan, tools=tools)
    if request.init and run.init:
        steps = partial_steps(request.steps, request.init.denoising_strength, request.init.img2img_fix_steps)
        if not steps.schedule:
            return run.init.latents.expand(len(run.batch.seeds), -1, -1, -1)
        scaled = first * request.init.initial_noise_multiplier
        start = course.from_latents(run.init.latents, scaled, steps, request.img2img_extra_noise)
    else:
        start = course.from_noise(first, request.steps)
    picture = (run.init.images, run.init.mask) if run.init else (None, None)
    return run_sampler(run, plan, start, noise, Asked(tools, patches, prompts, *picture))


def _second_pass(run: Run, tools: Tools, patches: ExitStack, enlarged: Tensor, hires: Hires, size: HiresSize) -> Tensor:
    """What `enlarge` gave -> latents [B,C,h,w] of the wished size."""
    request, plan = run.request, second_of(run, tools, hires, size)
    plan.begin(run, patches)
    pixels = enlarged if hires.upscaler not in LATENT_MODES else None
    latents = enlarged if pixels is None else plan.model.encode_image(pixels)
    latents = latents[..., size.rows(), size.columns()]
    steps = partial_steps(hires.steps or request.steps, hires.denoising_strength, exactly=True)
    if not steps.schedule:
        return latents
    noise = plan.noise(run)
    first = run.host.passed_on("first_noise", "noise", noise.draw(), run=run, plan=plan, tools=tools)
    start = plan.course(request).from_latents(latents, first, steps, request.img2img_extra_noise)
    prompts = plan.read(run, tools, plan.lease)
    seen = None if pixels is None else pixels[..., *size.cut_pixels()]
    return run_sampler(run, plan, start, noise, Asked(tools, patches, prompts, seen, None))


def _decoded(run: Run, latents: Tensor, kind: Kind = "image") -> list[GeneratedImage]:
    """Latents -> pictures, each with the request that makes it alone."""
    run.emit(run.pace.progress("Decoding", run.steps, run.steps))
    latents = run.host.passed_on("before_decode", "latents", latents, run=run)
    # Truncated, not rounded: A1111's pictures are, and theirs are to come out the same.
    pixels = (run.model.decode(latents) * 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    changed = [
        run.host.passed_on("after_decode", "pixels", drawn, run=run, position=position)
        for position, drawn in enumerate(pixels)
    ]
    pixels = np.stack(changed)
    pictures = run.init.finished(pixels, latents) if run.init else list(pixels)
    images: list[GeneratedImage] = []
    for position, picture in enumerate(pictures):
        images.append(_image(run, position, picture, kind))
        images += [_image(run, position, mask, "mask") for mask in _masks(run, pixels[position])]
    return images


def _masks(run: Run, drawn: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """What A1111 shows beside an inpainted picture, where the user wants that."""
    inpainting = run.init and run.init.picture.inpainting
    if inpainting and run.preferences.return_mask:
        yield inpainting.shown_mask()
    if inpainting and run.preferences.return_mask_composite:
        yield inpainting.cut_out(drawn)


def _image(run: Run, position: int, pixels: NDArray[np.uint8], kind: Kind) -> GeneratedImage:
    values: dict[str, Any] = {"seed": run.batch.seeds[position], "batch_size": 1, "batch_count": 1}
    values["others"] = run.request.lasting_others
    # Without a strength there is no variation; a seed of it would only be noise in the infotext.
    values["subseed"] = run.batch.subseeds[position] if run.request.subseed_strength else -1
    alone = run.request.model_copy(update=values)
    return GeneratedImage(pixels, alone, _facts(run, position), kind, conditions_of(run, position))


def _facts(run: Run, position: int) -> dict[str, Any]:
    """What A1111's infotext says of the checkpoint's kind, what the VAE had to do, and who drew."""
    request, kind, way = run.request, run.lease.model.kind, run.model.autoencoder.ways[position]
    return {
        "Conditional mask weight": request.inpainting_mask_weight if kind == "inpainting" else None,
        "Image CFG scale": request.image_cfg_scale if kind == "edit" and request.init else None,
        **run.networks.facts,
        **dict(pair for pairs in run.host.every("infotext", run=run, position=position) for pair in pairs.items()),
        "VAE precision": WORDS[way.dtype] if way.redone else None,
        "Version": f"sdui {__version__}",
    }


@torch.inference_mode()
def unfinished(run: Run) -> list[GeneratedImage]:
    """What an interrupted batch had reached; empty before its first step."""
    return [] if run.denoised is None else _decoded(run, run.denoised, "interrupted")
