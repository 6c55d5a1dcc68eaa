"""The extra input channels of checkpoints that look at a picture: inpainting ones and InstructPix2Pix.

An inpainting UNet (9 channels) sees the mask and the picture without what is masked (Rombach et al. 2022,
arXiv:2112.10752, section 4.5); an editing one (8 channels) the picture itself (Brooks et al. 2023, arXiv:2211.09800).
"""

from __future__ import annotations

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
    return None


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
