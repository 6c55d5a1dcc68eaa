"""Hires fix: the first pass' picture enlarged, as latents or as pixels, to start a second pass from."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from sdui.core.errors import RequestError
from sdui.core.stages import RESIZE_MODES, Hires
from sdui.imaging.hires_size import HiresSize
from sdui.imaging.resize import NONE, Upscale, resize
from sdui.models.families.base import LoadedModel

from .upscaling import Upscalers

LATENT_MODES: dict[str, tuple[str, bool]] = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}
"""Interpolation and antialiasing of A1111's latent upscalers."""


def upscaler_names(upscalers: Upscalers) -> tuple[str, ...]:
    return (*LATENT_MODES, *upscalers.names())


def check_upscaler(hires: Hires, upscalers: Upscalers) -> None:
    """Raises RequestError before anything is drawn."""
    known = upscaler_names(upscalers)
    if hires.upscaler not in known:
        raise RequestError(f"Upscaler: there is no {hires.upscaler!r}; known are {', '.join(known)}.")


def enlarge(model: LoadedModel, latents: Tensor, hires: Hires, size: HiresSize, upscale: Upscale | None) -> Tensor:
    """Latents [B,C,h,w] -> latents [B,C,h',w'], or pixels [B,3,H,W] in 0..1 where the upscaler works on them.

    upscale: None for a latent mode.
    """
    if upscale is None:
        mode, antialias = LATENT_MODES[hires.upscaler]
        side = model.latent.downscale
        return interpolate(latents, size=(size.height // side, size.width // side), mode=mode, antialias=antialias)
    once = None if hires.upscaler == NONE else upscale
    return torch.cat([_enlarged(picture, once, size) for picture in model.decode(latents)])


def _enlarged(picture: Tensor, upscale: Upscale | None, size: HiresSize) -> Tensor:
    """[3,H,W] in 0..1 -> [1,3,H',W'] in 0..1, by way of 8 bits as A1111 has it."""
    pixels = (picture * 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    image = resize(Image.fromarray(pixels), RESIZE_MODES[0], size.width, size.height, upscale)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
