"""Previews of unfinished latents: a linear map fitted to the VAE, or TAESD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from sdui.core.errors import ModelFileError

_CONTRAST = 0.5
"""Deviation of the patches: higher ones drive the decoder into black and white, which flattens the fit."""
_ENDINGS = (".safetensors", ".pth")


def fit_linear(decode: Callable[[Tensor], Tensor], channels: int, downscale: int) -> Tensor:
    """The best linear map from one latent cell to its mean colour, [channels + 1, 3]; the last row is the offset.

    `decode` is asked once, about large patches of random colour, which come closest to a real picture's areas.
    """
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(1, channels, 3, 3, generator=generator) * _CONTRAST
    latents = interpolate(patches, scale_factor=8, mode="nearest")
    colours = avg_pool2d(decode(latents).cpu(), downscale)
    cells = _cells(latents)
    algebra: Any = torch.linalg  # untyped
    return algebra.lstsq(cells, colours.movedim(1, -1).reshape(-1, 3)).solution


def apply_linear(matrix: Tensor, latents: Tensor) -> Tensor:
    """[B,C,h,w] -> [B,3,h,w] in 0..1."""
    batch, _, height, width = latents.shape
    colours = _cells(latents) @ matrix.to(latents.device)
    return colours.view(batch, height, width, 3).movedim(-1, 1).clamp(0, 1)


class Taesd:
    """The small decoder (https://github.com/madebyollin/taesd), read when it is first needed and its file is there."""

    def __init__(self, folders: Sequence[Path], name: str) -> None:
        """name: of the file without ending, "taesd_decoder", or "taesdxl_decoder" for SDXL's latents."""
        self._folders, self._name = folders, name
        self._decoder: Any | None = None
        self._failed: Path | None = None

    def decode(self, latents: Tensor) -> Tensor | None:
        """[B,C,h,w] -> [B,3,H,W] in 0..1; None without a usable file.

        Raises ModelFileError for a damaged file, once.
        """
        if self._decoder is None and (path := self._path()) and path != self._failed:
            self._failed = path
            # The networks' libraries take seconds to import, and this file is imported with the list of families.
            from .networks import build_taesd

            try:
                self._decoder = build_taesd(path, latents.device)
            except ModelFileError as error:
                raise ModelFileError(f"{path} is no TAESD decoder, so previews are cheap ones. ({error})") from error
        if self._decoder is None:
            return None
        return (self._decoder.decode(latents.float()).sample / 2 + 0.5).clamp(0, 1)

    def release(self) -> None:
        """Give its memory back; the next picture reads the file again."""
        self._decoder = None

    def _path(self) -> Path | None:
        paths = (folder / f"{self._name}{ending}" for folder in self._folders for ending in _ENDINGS)
        return next((path for path in paths if path.is_file()), None)


def _cells(latents: Tensor) -> Tensor:
    """[B,C,h,w] -> [B*h*w, C + 1] with a last column of ones."""
    flat = latents.float().movedim(1, -1).reshape(-1, latents.shape[1])
    return torch.cat([flat, torch.ones_like(flat[:, :1])], dim=1)
