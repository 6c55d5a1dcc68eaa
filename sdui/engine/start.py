"""Where sampling starts from: noise alone, or a picture with noise on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sdui.core.request import GenerationRequest
from sdui.core.sampling_options import SamplingOptions
from sdui.imaging.masks import Pixels, mask_cells, overlay, read_mask, read_picture
from sdui.models.families.base import LoadedModel
from sdui.sampling.levels import NoiseLevels, unit_scale
from sdui.sampling.registry import SamplerSpec
from sdui.sampling.samplers import Denoiser


@dataclass(frozen=True, slots=True)
class Kept:
    """The part of the first picture that inpainting must not change."""

    pixels: Pixels
    mask: Pixels
    latents: Tensor
    """[1,C,h,w]."""
    drawn: Tensor
    """[h,w], 1 where a cell is drawn and 0 where it is kept."""

    def in_latents(self, x: Tensor) -> Tensor:
        return self.latents * (1 - self.drawn) + x * self.drawn

    def in_pixels(self, pixels: Pixels) -> Pixels:
        return overlay(self.pixels, pixels, self.mask)

    def around(self, denoiser: Denoiser, before: bool) -> Denoiser:
        """before: blend into what the network sees, as A1111 does for samplers that go by timesteps, not into x0."""
        if not before:
            return lambda x, sigma: self.in_latents(denoiser(x, sigma))

        def blended(x: Tensor, sigma: float) -> Tensor:
            seen = self.latents * unit_scale(sigma) * (1 - self.drawn) + x * self.drawn
            return x + denoiser(seen, sigma) - seen

        return blended


@dataclass(frozen=True, slots=True)
class Start:
    x: Tensor
    """[B,C,h,w] at the first level."""
    sigmas: list[float]
    """The levels to visit, falling."""
    kept: Kept | None = None


def start_from_noise(noise: Tensor, sigmas: list[float], options: SamplingOptions, spec: SamplerSpec) -> Start:
    return Start(noise * spec.noise_scale(sigmas[0], options), sigmas)


def start_from_picture(
    request: GenerationRequest, model: LoadedModel, noise: Tensor, levels: NoiseLevels, spec: SamplerSpec
) -> Start:
    """The last part of the schedule, as long as the denoising strength says. Raises RequestError."""
    assert request.init is not None
    pixels = read_picture(request.init.image, request.width, request.height)
    latents = model.encode_image(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255)
    taken = int(min(request.init.denoising_strength, 0.999) * request.steps)
    way = spec.picture_sigmas(request.schedule, request.steps, taken, levels, request.sampling)
    x = latents + noise * way.start
    if spec.variance_preserving:
        x = x * (unit_scale(way.sigmas[0]) / unit_scale(way.start))
    return Start(x, way.sigmas, _kept(request, model, pixels, latents))


def _kept(request: GenerationRequest, model: LoadedModel, pixels: Pixels, latents: Tensor) -> Kept | None:
    assert request.init is not None
    inpaint = request.init.inpaint
    if inpaint is None:
        return None
    mask = read_mask(inpaint.mask, request.width, request.height, inpaint.mask_blur)
    rows, columns = latents.shape[-2:]
    return Kept(pixels, mask, latents, torch.from_numpy(mask_cells(mask, columns, rows)).to(model.device))
