"""The picture that img2img starts from: made ready for the network, and put together again after drawing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sdui.core.errors import RequestError
from sdui.core.stages import INPAINT_AREAS, MASKED_CONTENT, InitImage, Inpaint

from .colour import colour_corrected
from .crop import Box, expanded, masked_box
from .fill import filled
from .masks import is_rounded, latent_cells, overlaid, read_mask
from .pixels import Pixels, flattened, opened
from .resize import CROP, FILL, LATENT, Upscale, resize

_SOFT_EDGE = 4
"""Pixels; hides the latent cells in a mask that was enlarged from them."""
_EMPTY_MASK = "Mask: nothing is masked, so the whole picture is drawn anew."
_LATENT_WITH_MASK = (
    "Resize mode: {mode!r} cannot resize a mask. Choose another resize mode, or the picture's own size, "
    "{width}x{height}."
)
_TOO_SMALL_FOR_LATENT = (
    "Resize mode: {mode!r} needs a picture of at least {least} pixels a side, this one has {width}x{height}. "
    "Choose another resize mode."
)
_LEAST = 8
"""Pixels of a latent cell's side."""


@dataclass(frozen=True, slots=True, eq=False)
class Inpainting:
    """What a mask adds to a picture."""

    mask: Pixels
    """[H,W] at the size that is drawn, grey at the edges: 255 is drawn, 0 kept."""
    rounded: bool
    """Whether the mask's grey becomes 0 or 1 wherever the network sees it."""
    original: Pixels
    """[H',W',3], of the finished picture's size."""
    original_mask: Pixels
    """[H',W']: where the original shows again after drawing."""
    box: Box | None = None
    """The part of the original that is drawn; None is all of it."""
    latent_mask: Pixels | None = None
    """[H,W], in place of the mask where latents and masked content are concerned."""
    upscale: Upscale | None = None
    """For putting back into a part that is larger than what was drawn."""

    def latent_cells(self, rows: int, columns: int) -> NDArray[np.float32]:
        """[rows, columns] from 0, kept, to 1, drawn."""
        return latent_cells(self.filled_mask, rows, columns, self.rounded)

    @property
    def filled_mask(self) -> Pixels:
        """[H,W]: 255 where the masked content is put."""
        return self.mask if self.latent_mask is None else self.latent_mask

    def conditioning_mask(self) -> NDArray[np.float32]:
        """[H,W] from 0, kept, to 1, drawn: what an inpainting checkpoint is shown."""
        mask = self.mask.astype(np.float32) / np.float32(255)
        return np.around(mask, out=mask) if self.rounded else mask

    def put_back(self, drawn: Pixels, changed: Pixels | None) -> Pixels:
        original = Image.fromarray(self.original)
        mask = Image.fromarray(self.original_mask) if changed is None else self._enlarged(changed)
        return np.asarray(overlaid(self._uncropped(Image.fromarray(drawn)), original, mask))

    def shown_mask(self) -> Pixels:
        """[H',W',3]: white where the drawn picture shows."""
        return self.original_mask[..., None].repeat(3, axis=2)

    def cut_out(self, drawn: Pixels) -> Pixels:
        """What was drawn, transparent where the original shows, [H',W',4]."""
        whole = self._uncropped(Image.fromarray(drawn)).convert("RGBA").convert("RGBa")
        mask = Image.fromarray(self.original_mask)
        return np.asarray(Image.composite(whole, Image.new("RGBa", whole.size), mask).convert("RGBA"))

    def _enlarged(self, changed: Pixels) -> Image.Image:
        height, width = self.mask.shape
        mask = resize(Image.fromarray(changed), FILL, width, height)
        return self._uncropped(mask.filter(ImageFilter.GaussianBlur(_SOFT_EDGE)))

    def _uncropped(self, image: Image.Image) -> Image.Image:
        if self.box is None:
            return image
        height, width = self.original_mask.shape
        canvas = Image.new(image.mode, (width, height))
        canvas.paste(resize(image, CROP, self.box.width, self.box.height, self.upscale), self.box[:2])
        return canvas


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPicture:
    pixels: Pixels
    """[H,W,3], to be encoded. Of another size than the request's only with the resize mode "latent upscale": the
    latents are then to be resized, bilinearly, to the request's size."""
    inpainting: Inpainting | None = None
    overlay: bool = True
    corrected: bool = False
    notice: str = ""
    """What the user should be told; "" is nothing."""

    def finish(self, drawn: Pixels, changed: Pixels | None = None) -> Pixels:
        """The finished picture of what was drawn, [H,W,3]; every picture of a batch by itself.

        changed: soft inpainting's own mask, [h,w] for the latents' cells; with it the original is always put back.
        """
        if self.corrected:
            drawn = colour_corrected(drawn, self.pixels)
        if self.inpainting is None or not (self.overlay or changed is not None):
            return drawn
        return self.inpainting.put_back(drawn, changed)


def prepare(init: InitImage, width: int, height: int, upscale: Upscale | None = None) -> PreparedPicture:
    """For drawing at width x height pixels. Raises RequestError naming the image, the mask or the resize mode.

    upscale: the init's upscaler, for colours that become larger; None resamples them.
    """
    image = flattened(opened(init.image, "Image"), init.img2img_background_color)
    if init.inpaint is None:
        return _without_mask(init, image, width, height, upscale)
    if init.inpaint.area == INPAINT_AREAS[0]:
        return _whole_picture(init, init.inpaint, image, (width, height), upscale)
    mask = read_mask(init.inpaint, image.size)
    box = masked_box(mask, init.inpaint.padding)
    if box is None:
        return replace(_without_mask(init, image, width, height, upscale), notice=_EMPTY_MASK)
    box = expanded(box, (width, height), image.size)
    part, part_mask = (resize(each.crop(box), FILL, width, height, upscale) for each in (image, mask))
    inpainting = _inpainting(init.inpaint, part_mask, image, mask, box)
    return _with_mask(init, init.inpaint, part, replace(inpainting, upscale=upscale))


def _without_mask(
    init: InitImage, image: Image.Image, width: int, height: int, upscale: Upscale | None
) -> PreparedPicture:
    resized = _resized(init, image, width, height, upscale)
    return PreparedPicture(np.asarray(resized), corrected=init.img2img_color_correction)


def _whole_picture(
    init: InitImage, inpaint: Inpaint, image: Image.Image, size: tuple[int, int], upscale: Upscale | None
) -> PreparedPicture:
    if init.resize_mode == LATENT and image.size != size:
        raise RequestError(_LATENT_WITH_MASK.format(mode=LATENT, width=image.width, height=image.height))
    image, mask = _resized(init, image, *size, upscale), resize(read_mask(inpaint), init.resize_mode, *size)
    # The original returns only where less than half of a pixel is masked.
    edge = mask.point([min(2 * value, 255) for value in range(256)])
    return _with_mask(init, inpaint, image, _inpainting(inpaint, mask, image, edge))


def _resized(init: InitImage, image: Image.Image, width: int, height: int, upscale: Upscale | None) -> Image.Image:
    if init.resize_mode != LATENT:
        return resize(image, init.resize_mode, width, height, upscale)
    if min(image.size) < _LEAST:
        raise RequestError(
            _TOO_SMALL_FOR_LATENT.format(mode=LATENT, least=_LEAST, width=image.width, height=image.height)
        )
    return image


def _inpainting(
    inpaint: Inpaint, mask: Image.Image, original: Image.Image, original_mask: Image.Image, box: Box | None = None
) -> Inpainting:
    cells = opened(inpaint.latent_mask, "Mask").convert("L").resize(mask.size) if inpaint.latent_mask else None
    pixels = (np.asarray(mask), is_rounded(inpaint), np.asarray(original), np.asarray(original_mask))
    return Inpainting(*pixels, box, None if cells is None else np.asarray(cells))


def _with_mask(init: InitImage, inpaint: Inpaint, image: Image.Image, inpainting: Inpainting) -> PreparedPicture:
    if inpaint.fill != MASKED_CONTENT[1]:
        # The two latent fills as well: what is not masked has to look the same to the encoder.
        image = filled(image, Image.fromarray(inpainting.filled_mask))
    return PreparedPicture(np.asarray(image), inpainting, inpaint.overlay, init.img2img_color_correction)
