"""What img2img starts from, as latents, and the way back: from drawn pixels to the finished picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from sdui.core.request import GenerationRequest
from sdui.core.stages import MASKED_CONTENT, RESIZE_MODES, SoftInpainting
from sdui.imaging.fingerprints import of_picture
from sdui.imaging.init_picture import PreparedPicture, prepare
from sdui.imaging.resize import Upscale
from sdui.models.families.base import LoadedModel
from sdui.sampling.noise import ImageNoise, Variation

from .soft_inpainting import changed_cells


@dataclass(frozen=True, slots=True)
class InitLatents:
    picture: PreparedPicture
    images: Tensor
    """The picture as it was encoded, [1,3,H,W] in 0..1."""
    latents: Tensor
    """[1 or B,C,h,w]."""
    drawn: Tensor | None
    """[h,w]: 1 where a cell is drawn anew, 0 where it is kept, for inpainting."""
    soft: SoftInpainting | None
    image_hash: str = ""
    """`imaging.fingerprints.of_picture` of the init image as given, and of the mask."""
    mask_hash: str = ""

    @property
    def mask(self) -> Tensor | None:
        """[1,1,H,W] in 0..1, 1 where to draw."""
        inpainting = self.picture.inpainting
        return torch.from_numpy(inpainting.conditioning_mask())[None, None] if inpainting else None

    def finished(self, pixels: NDArray[np.uint8], latents: Tensor) -> list[NDArray[np.uint8]]:
        """Drawn pixels [B,H,W,3] -> pictures; `latents` [B,C,h,w] are those that they were decoded from."""
        if self.soft is None or self.drawn is None:
            return [self.picture.finish(drawn) for drawn in pixels]
        changed = changed_cells(self.latents, latents, self.drawn, self.soft)
        return [self.picture.finish(drawn, cells) for drawn, cells in zip(pixels, changed, strict=True)]


def encode_init(
    request: GenerationRequest, model: LoadedModel, seeds: Sequence[int], upscale: Upscale | None = None
) -> InitLatents | None:
    """None for txt2img. `seeds` are those of the noise that "latent noise" fills the mask with. Raises RequestError.

    upscale: of the request's upscaler, None for "None".
    """
    init = request.init
    if init is None:
        return None
    picture = prepare(init, request.width, request.height, upscale)
    images = torch.tensor(picture.pixels).permute(2, 0, 1)[None] / 255
    with model.patched(tiling=request.tiling, token_merging_ratio=0):
        latents = model.encode_image(images)
    rows, columns = request.height // model.latent.downscale, request.width // model.latent.downscale
    if init.resize_mode == RESIZE_MODES[3]:
        latents = interpolate(latents, size=(rows, columns), mode="bilinear")
    drawn: Tensor | None = None
    if init.inpaint and picture.inpainting:
        drawn = torch.from_numpy(picture.inpainting.latent_cells(rows, columns)).to(model.device)
        latents = _filled(latents, drawn, request, init.inpaint.fill, seeds)
    soft, mask = (init.inpaint.soft, init.inpaint.mask) if init.inpaint else (None, b"")
    return InitLatents(picture, images, latents, drawn, soft, of_picture(init.image), of_picture(mask))


def _filled(latents: Tensor, drawn: Tensor, request: GenerationRequest, fill: str, seeds: Sequence[int]) -> Tensor:
    """With noise or nothing where it is drawn anew, for the two fills that are latents."""
    if fill == MASKED_CONTENT[2]:
        rows, columns = drawn.shape
        shape = (latents.shape[1], rows, columns)
        noise = ImageNoise(seeds, shape, latents.device, Variation(request.randn_source)).draw()
        return latents * (1 - drawn) + noise * drawn
    return latents * (1 - drawn) if fill == MASKED_CONTENT[3] else latents
