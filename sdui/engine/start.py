"""Where sampling starts from: noise alone, or a picture with noise on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sdui.core.request import GenerationRequest
from sdui.core.stages import SoftInpainting
from sdui.imaging.init_picture import PreparedPicture, prepare
from sdui.imaging.pixels import Pixels
from sdui.models.families.base import LoadedModel
from sdui.sampling.noise import ImageNoise
from sdui.sampling.registry import SamplerSpec
from sdui.sampling.samplers import Denoiser

from .soft_inpainting import blend, changed_cells
from .steps import partial_steps


@dataclass(frozen=True, slots=True)
class Kept:
    """The first picture, and the part of it that inpainting must not change."""

    picture: PreparedPicture
    latents: Tensor
    """[1 or B,C,h,w]."""
    drawn: Tensor | None = None
    """[h,w], 1 where a cell is drawn and 0 where it is kept; None without a mask."""
    soft: SoftInpainting | None = None

    def around(self, denoiser: Denoiser) -> Denoiser:
        return lambda x, sigma: self._blended(denoiser(x, sigma), float(sigma))

    def in_latents(self, x: Tensor) -> Tensor:
        """After the last step."""
        if self.drawn is None or self.soft:
            return x
        return self.latents * (1 - self.drawn) + x * self.drawn

    def in_pixels(self, pixels: list[Pixels], latents: Tensor) -> list[Pixels]:
        changed: list[Pixels | None] = [None] * len(pixels)
        if self.soft and self.drawn is not None:
            changed[:] = changed_cells(self.latents, latents, self.drawn, self.soft)
        return [self.picture.finish(image, cells) for image, cells in zip(pixels, changed, strict=True)]

    def _blended(self, x: Tensor, sigma: float) -> Tensor:
        if self.soft and self.drawn is not None:
            return blend(self.latents, x, self.drawn, sigma, self.soft)
        return self.in_latents(x)


@dataclass(frozen=True, slots=True)
class Start:
    x: Tensor
    """[B,C,h,w] at the first level."""
    sigmas: Tensor
    """The levels to visit, falling."""
    kept: Kept | None = None


def start_from_noise(noise: Tensor, sigmas: Tensor, spec: SamplerSpec) -> Start:
    return Start(noise * (unit_scale(sigmas[0]) if spec.variance_preserving else sigmas[0]), sigmas)


def start_from_picture(
    request: GenerationRequest, model: LoadedModel, noise: Tensor, seeds: list[int], spec: SamplerSpec
) -> Start:
    """The last part of the schedule, as long as the denoising strength says. Raises RequestError."""
    init = request.init
    assert init is not None
    kept = _kept(request, model, noise, seeds)
    noise = noise * init.initial_noise_multiplier
    steps = partial_steps(request.steps, init.denoising_strength, init.img2img_fix_steps)
    sigmas = spec.sigmas(request.schedule, steps.schedule, model.sigmas)
    if spec.variance_preserving:
        # The noise is that of the level before the first one visited: so the original implementation has it.
        count = max(steps.from_end, 1)
        levels, before = sigmas[len(sigmas) - count :], sigmas[len(sigmas) - count - 1]
        return Start((kept.latents + noise * before) * unit_scale(levels[0]) / unit_scale(before), levels, kept)
    levels = sigmas[steps.schedule - steps.from_end - 1 :]
    return Start(kept.latents + noise * levels[0], levels, kept)


def _kept(request: GenerationRequest, model: LoadedModel, noise: Tensor, seeds: list[int]) -> Kept:
    assert request.init is not None
    picture = prepare(request.init, request.width, request.height)
    latents = model.encode_image(torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1)[None] / 255)
    rows, columns = noise.shape[-2:]
    if latents.shape[-2:] != (rows, columns):
        latents = torch.nn.functional.interpolate(latents, (rows, columns), mode="bilinear")
    inpaint = request.init.inpaint
    if picture.inpainting is None or inpaint is None:
        return Kept(picture, latents)
    drawn = torch.from_numpy(picture.inpainting.latent_cells(rows, columns)).to(model.device)
    if inpaint.fill == "latent noise":
        shape = (noise.shape[1], rows, columns)
        latents = latents * (1 - drawn) + ImageNoise(seeds, shape, model.device).draw() * drawn
    elif inpaint.fill == "latent nothing":
        latents = latents * (1 - drawn)
    return Kept(picture, latents, drawn, inpaint.soft)


def unit_scale(sigma: Tensor) -> Tensor:
    """Deviation of unit data with noise of level sigma on it."""
    return (1 + sigma**2).sqrt()
