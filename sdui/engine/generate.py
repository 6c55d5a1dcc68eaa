"""txt2img and img2img, in the order it happens."""

from __future__ import annotations

import torch
from torch import Tensor

from sdui import __version__
from sdui.core.events import GeneratedImage, Kind, Notice
from sdui.prompt.extra_networks import parse_extra_networks
from sdui.sampling.levels import NoiseLevels, noise_levels, unit_scale
from sdui.sampling.noise import ImageNoise, Variation
from sdui.sampling.registry import Registry, SamplerSpec

from .conditioning import Conditioner
from .guided import GuidedDenoiser
from .run import Run
from .start import start_from_noise, start_from_picture

_MANY_CHUNKS = 8
_LONG_PROMPT = (
    "Prompt: it fills {chunks} chunks of 75 tokens. All of it is used, but each word counts for little "
    "and drawing takes longer."
)


@torch.inference_mode()
def generate(run: Run, samplers: Registry, conditioner: Conditioner) -> list[GeneratedImage]:
    """One batch: encode the prompts, sample, decode. Raises Interrupted when asked to stop."""
    request, spec = run.request, samplers[run.request.sampler]
    levels = spec.levels(noise_levels(run.lease.model.alphas_cumprod, request.sampling))
    text, _ = parse_extra_networks(request.prompt)
    calls = request.steps * spec.model_calls
    prompts = conditioner.prompts(run.lease, text, request.negative_prompt, calls, request.clip_skip)
    if run.pace.batch == 0 and prompts.chunks() > _MANY_CHUNKS:
        run.emit(Notice(_LONG_PROMPT.format(chunks=prompts.chunks())))
    latents = sample(run, spec, GuidedDenoiser(run, prompts, levels, spec), levels)
    run.emit(run.pace.progress("Decoding", run.steps, run.steps))
    return finished(run, latents)


def sample(run: Run, spec: SamplerSpec, denoiser: GuidedDenoiser, levels: NoiseLevels) -> Tensor:
    """Noise, or a picture with noise on it -> latents [B,C,h,w]."""
    request, model, options = run.request, run.lease.model, run.request.sampling
    side = model.latent.downscale
    shape = (model.latent.channels, request.height // side, request.width // side)
    noise = ImageNoise(run.seeds, shape, model.device, Variation(ensd=request.eta_noise_seed_delta))
    sigmas = spec.sigmas(request.schedule, request.steps, levels, options)
    if request.init:
        start = start_from_picture(request, model, noise.draw(), levels, spec)
    else:
        start = start_from_noise(noise.draw(), sigmas, options, spec)
    run.kept, run.steps = start.kept, len(start.sigmas) - 1
    between = noise.fresh
    if spec.noise == "brownian":
        low, per_image = min(sigma for sigma in sigmas if sigma > 0), not options.no_dpmpp_sde_batch_determinism
        between = noise.brownian(low, max(sigmas), per_image)
    model_at = start.kept.around(denoiser, spec.variance_preserving) if start.kept else denoiser
    keywords = spec.keywords(options, levels, denoiser.uncond)
    x = spec.run(model_at, start.x, start.sigmas, noise=between, on_step=run.on_step, **keywords)
    if spec.variance_preserving:
        x = x / unit_scale(start.sigmas[-1])
    return start.kept.in_latents(x) if start.kept else x


def finished(run: Run, latents: Tensor, kind: Kind = "image") -> list[GeneratedImage]:
    """Latents -> pictures, each with the request that makes it alone."""
    # Truncated, not rounded: A1111's pictures are, and theirs are to come out the same.
    pixels = (run.lease.model.decode(latents) * 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    facts = {"Version": f"sdui {__version__}"}
    images: list[GeneratedImage] = []
    for seed, image in zip(run.seeds, pixels, strict=True):
        alone = run.request.model_copy(update={"seed": seed, "batch_size": 1, "batch_count": 1})
        images.append(GeneratedImage(run.kept.in_pixels(image) if run.kept else image, alone, facts, kind))
    return images


@torch.inference_mode()
def unfinished(run: Run) -> list[GeneratedImage]:
    """What an interrupted batch had reached; empty before its first step."""
    return [] if run.denoised is None else finished(run, run.denoised, "interrupted")
