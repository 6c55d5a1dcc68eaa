"""What a model family must offer; one file per family, nothing else knows its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Latent:
    """The latent space: channels, and pixels per latent cell."""

    channels: int = 4
    downscale: int = 8


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the network is told. context [B,T,D]."""

    context: Tensor


class LoadedModel(Protocol):
    """One checkpoint on one device. Latents are in the sampler's units, of about unit deviation without noise."""

    latent: Latent
    sigmas: Tensor
    """Noise level of each training timestep, rising, float32 on the CPU."""
    device: torch.device

    def encode_text(self, tokens: Tensor, weights: Tensor, clip_skip: int) -> Conditioning:
        """tokens [B,N,77] int64: N chunks a text, framed and padded; weights [B,N,77]: attention, 1 = plain."""
        ...

    def denoise(self, x: Tensor, sigma: Tensor, conditioning: Conditioning) -> Tensor:
        """x [B,C,h,w] at level sigma (a scalar) -> the image without noise x0, of x's shape and type."""
        ...

    def encode_image(self, images: Tensor) -> Tensor:
        """[B,3,H,W] in 0..1 -> latents [B,C,h,w], the most likely ones."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """[B,C,h,w] -> [B,3,H,W] in 0..1, float32."""
        ...

    def decode_bytes(self, width: int, height: int) -> int:
        """About how much memory decoding one picture of this size in pixels takes."""
        ...

    def preview(self, latents: Tensor, sharp: bool) -> Tensor:
        """A cheap look: [B,C,h,w] -> [B,3,h',w'] in 0..1; `sharp` uses TAESD when its file is there."""
        ...


class Family(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels that its checkpoints draw best at."""
        ...

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        """From key names and shapes alone; a checkpoint of this family is never refused."""
        ...

    def load(
        self, path: Path, config: Path | None, device: torch.device, dtype: torch.dtype, taesd: Path
    ) -> LoadedModel:
        """config: an LDM .yaml; taesd: the folder of TAESD decoders. Raises ModelFileError."""
        ...
