"""The extra input channels of checkpoints that look at a picture: inpainting, InstructPix2Pix, depth.

An inpainting UNet (9 channels) sees the mask and the picture without what is masked (Rombach et al. 2022,
arXiv:2112.10752, section 4.5); an editing one (8 channels) the picture itself (Brooks et al. 2023, arXiv:2211.09800);
Stable Diffusion 2 depth (5 channels) sees how near each point is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sdui.models.families.base import LoadedModel


def seen_by(
    model: LoadedModel, images: Tensor | None, mask: Tensor | None, weight: float, size: tuple[int, int]
) -> Tensor | None:
    """[1 or B,c,h,w]; None for a checkpoint that sees none.

    images [1 or B,3,H,W] in 0..1, None without a picture; mask [1,1,H,W], None means all of it; weight: how much of
    what is masked is hidden; size: rows and columns of the latents.
    """
    if model.kind == "inpainting":
        return _masked(model, images, mask, weight, size)
    if model.kind == "edit":
        if images is None:
            return torch.zeros(1, model.latent.channels, *size, device=model.device)
        return model.encode_image(images, scaled=False)
    if model.depth:
        near = torch.zeros(1, 1, *size) if images is None else _depth(model.depth, images, size)
        return near.to(model.device)
    return None


def _depth(estimate: Callable[[Tensor], Tensor], images: Tensor, size: tuple[int, int]) -> Tensor:
    """[1,1,h,w] from -1 for the farthest to 1 for the nearest point of the first picture; 0 where all are as near."""
    near = interpolate(estimate(images[:1]), size=size, mode="bicubic", align_corners=False)
    low, high = near.aminmax()
    return torch.where(high > low, 2 * (near - low) / (high - low) - 1, 0)


def _masked(
    model: LoadedModel, images: Tensor | None, mask: Tensor | None, weight: float, size: tuple[int, int]
) -> Tensor:
    if images is None:
        side = model.latent.downscale
        images = torch.full((1, 3, size[0] * side, size[1] * side), 0.5)
    if mask is None:
        mask = torch.ones(1, 1, *images.shape[-2:])
    elif model.sdxl:
        # A1111 rounds the mask for these whatever the request says.
        mask = mask.round()
    # What is hidden is grey: in the encoder's range of -1..1 that is 0.
    hidden = (images - 0.5) * (1 - mask * weight) + 0.5
    cells = interpolate(mask, size=size).to(model.device)
    latents = model.encode_image(hidden)
    return torch.cat([cells.expand(len(latents), -1, -1, -1), latents], dim=1)
