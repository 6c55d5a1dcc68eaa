"""What img2img starts from, as latents: the prepared picture encoded, and what inpainting keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sdui.core.request import GenerationRequest
from sdui.core.stages import MASKED_CONTENT, RESIZE_MODES
from sdui.imaging.init_picture import PreparedPicture, prepare
from sdui.models.families.base import LoadedModel
from sdui.sampling.noise import ImageNoise, Variation


@dataclass(frozen=True, slots=True)
class InitLatents:
    picture: PreparedPicture
    latents: Tensor
    """[1 or B,C,h,w]."""
    drawn: Tensor | None
    """[h,w]: 1 where a cell is drawn anew, 0 where it is kept, for inpainting."""

    @property
    def images(self) -> Tensor:
        """The picture that was encoded, [1,3,H,W] in 0..1."""
        return as_images(self.picture.pixels)

    @property
    def mask(self) -> Tensor | None:
        """[1,1,H,W] in 0..1, 1 where to draw."""
        mask = self.picture.mask
        return None if mask is None else torch.from_numpy(mask.copy())[None, None] / 255


def as_images(pixels: object) -> Tensor:
    """[H,W,3] uint8 -> [1,3,H,W] in 0..1."""
    return torch.tensor(pixels).permute(2, 0, 1)[None] / 255


def encode_init(request: GenerationRequest, model: LoadedModel, seeds: Sequence[int]) -> InitLatents | None:
    """None for txt2img. `seeds` are those of the noise that "latent noise" fills the mask with. Raises RequestError."""
    init = request.init
    if init is None:
        return None
    picture = prepare(init, request.width, request.height)
    latents = model.encode_image(as_images(picture.pixels))
    side = model.latent.downscale
    rows, columns = request.height // side, request.width // side
    if init.resize_mode == RESIZE_MODES[3]:
        latents = interpolate(latents, size=(rows, columns), mode="bilinear")
    if init.inpaint is None:
        return InitLatents(picture, latents, None)
    drawn = torch.from_numpy(picture.latent_cells(rows, columns)).to(model.device)
    if init.inpaint.fill == MASKED_CONTENT[2]:
        noise = ImageNoise(seeds, (latents.shape[1], rows, columns), model.device, Variation(request.randn_source))
        latents = latents * (1 - drawn) + noise.draw() * drawn
    elif init.inpaint.fill == MASKED_CONTENT[3]:
        latents = latents * (1 - drawn)
    return InitLatents(picture, latents, drawn)
