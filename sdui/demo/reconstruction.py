"""What a checkpoint's VAE makes of true pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from .concepts import FEW
from .measures import psnr
from .scenes import NATIVE, Picture, Stage, training_scenes
from .single_file import read_networks

_PICTURES = 64
_AT_ONCE = 8


class Reconstruction:
    """Pictures to latents and back. Raises ModelFileError when the file is no such checkpoint."""

    def __init__(self, file: Path) -> None:
        self._vae = read_networks(file).vae.eval()

    def through(self, pictures: Sequence[Picture]) -> list[Picture]:
        """[H,W,3] each, all of one size."""
        parts = [pictures[first : first + _AT_ONCE] for first in range(0, len(pictures), _AT_ONCE)]
        return [picture for part in parts for picture in _through(self._vae, part)]

    def psnr(self, stage: Stage) -> float:
        """In dB, the mean of scenes that training never sees."""
        held_out = [scene for scene in training_scenes(FEW) if scene.held_out and scene.width == scene.height == NATIVE]
        pictures = [stage.show(scene) for scene in random.Random(5).sample(held_out, _PICTURES)]
        return float(np.mean([psnr(*pair) for pair in zip(self.through(pictures), pictures, strict=True)]))


@torch.no_grad()
def _through(vae: AutoencoderKL, pictures: Sequence[Picture]) -> list[Picture]:
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    encoded: Any = vae.encode(stacked * 2 - 1)
    drawn: Any = vae.decode(encoded.latent_dist.mean)
    return list((drawn.sample / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy())
