"""Previews of unfinished latents: a linear map fitted to the checkpoint's own VAE, or TAESD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

_CONTRAST = 0.5
"""Deviation of the patches: higher ones drive the decoder into black and white, which flattens the fit."""
TAESD_FILES = ("taesd_decoder.safetensors", "taesd_decoder.pth")


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


def load_taesd(folders: Sequence[Path], device: torch.device) -> Any | None:
    """The TAESD decoder of the first folder that has one; None when its file is not there."""
    # The networks' libraries take seconds to import, and this file is imported with the list of families.
    from .networks import build_taesd

    paths = (folder / name for folder in folders for name in TAESD_FILES)
    path = next((path for path in paths if path.is_file()), None)
    return build_taesd(path, device) if path else None


def _cells(latents: Tensor) -> Tensor:
    """[B,C,h,w] -> [B*h*w, C + 1] with a last column of ones."""
    flat = latents.float().movedim(1, -1).reshape(-1, latents.shape[1])
    return torch.cat([flat, torch.ones_like(flat[:, :1])], dim=1)
