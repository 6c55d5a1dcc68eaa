"""What a model family must offer; one file per family, nothing else knows its networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor

from sdui.models import hypernetworks
from sdui.models.adapters.adapters import Adapters
from sdui.models.placement import Placement
from sdui.models.text import Texts
from sdui.models.vae import Fallback, Vae

Kind = Literal["plain", "inpainting", "edit", "depth"]
"""What the network sees beside the latents: nothing; a mask and the picture around it; a picture to edit; its depth."""


@dataclass(frozen=True, slots=True)
class Latent:
    """The latent space: channels, and pixels per latent cell."""

    channels: int = 4
    downscale: int = 8


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint to load, and to where."""

    path: Path
    """A file, or a folder in diffusers' layout."""
    config: Path | None
    """An LDM .yaml."""
    device: torch.device
    dtype: torch.dtype
    """Of the UNet and the text encoders."""
    taesd: Sequence[Path]
    """Folders of TAESD decoders."""
    vae_dtype: torch.dtype = torch.float32


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the network is told."""

    context: Tensor
    """The encoded text, [B,T,D]."""
    vector: Tensor | None = None
    """What SDXL is told beside it, [B,P]: the text as a whole and the picture's size."""
    concat: Tensor | None = None
    """Further input channels [B,c,h,w] after those of the latents.

    "inpainting": 1 of the mask, 1 where to draw, then the latents of the picture with the masked part grey;
    "edit": the latents of the picture without their scale, zeros for no picture;
    "depth": how near each point is, from -1 to 1, zeros for no picture.
    """

    @property
    def length(self) -> int:
        """Tokens, T."""
        return self.context.shape[1]

    def one(self, index: int) -> Conditioning:
        """Of one of the B alone."""
        context, vector, concat = (
            None if part is None else part[index : index + 1] for part in (self.context, self.vector, self.concat)
        )
        assert context is not None
        return Conditioning(context, vector, concat)


class LoadedModel(Protocol):
    """One checkpoint on one device. Latents are in the sampler's units, of about unit deviation without noise."""

    latent: Latent
    kind: Kind
    alphas_cumprod: Tensor
    """Share of the picture's variance at each training timestep, falling, float32 [T] on the CPU."""
    zero_snr: bool
    """Trained to begin at noise alone: that table is bent as arXiv:2305.08891 has it."""
    sdxl: bool
    """Schedules made for Stable Diffusion 1 take their SDXL form."""
    placement: Placement
    """Of its networks; what of them is about to compute is brought to the device."""
    dtype: torch.dtype
    """Of the UNet."""
    autoencoder: Vae
    """The checkpoint's own, but for `using_vae`."""
    text_widths: tuple[int, ...]
    """Of a token's vector in each text encoder."""
    adapters: Adapters

    @property
    def text_state(self) -> str:
        """What is changed in the text encoders at the moment; equal texts give equal encodings while it stays."""
        ...

    depth: Callable[[Tensor], Tensor] | None
    """Of the kind "depth": pictures [B,3,H,W] in 0..1 -> how near each point is, in no unit [B,1,h,w]."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def release(self) -> None:
        """Give its memory back, even where someone still refers to it; it cannot compute any more."""
        ...

    def encode_text(self, texts: Texts) -> Conditioning: ...

    def denoise(
        self, x: Tensor, sigma: float, timestep: float, conditioning: Conditioning, *, as_noise: bool = False
    ) -> Tensor:
        """x [B,C,h,w] at level sigma -> the image without noise x0, of x's shape and type.

        timestep: the training timestep of that level, fractions allowed. as_noise: what the network says is taken for
        the noise, even by a network that was trained to say something else. Never waits for the device.
        """
        ...

    def encode_image(self, images: Tensor, *, scaled: bool = True) -> Tensor:
        """[B,3,H,W] in 0..1 -> latents [B,C,h,w], the most likely ones; `scaled` False: in the VAE's own units."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """[B,C,h,w] -> [B,3,H,W] in 0..1, float32."""
        ...

    def decode_bytes(self, width: int, height: int) -> int:
        """About how much memory decoding one picture of this size in pixels takes at least."""
        ...

    def preview(self, latents: Tensor, sharp: bool) -> Tensor:
        """A cheap look: [B,C,h,w] -> [B,3,h',w'] in 0..1; `sharp` uses TAESD when its file is there.

        Raises ModelFileError for a damaged TAESD file, once.
        """
        ...

    def using_vae(self, vae: Vae | None, fallback: Fallback) -> AbstractContextManager[None]:
        """Encode and decode with another VAE for a while; None for the checkpoint's own."""
        ...

    def with_hypernetworks(self, chosen: hypernetworks.Chosen) -> AbstractContextManager[None]:
        """Let them count in the attention of the UNet for a while."""
        ...

    def patched(self, *, tiling: bool, token_merging_ratio: float) -> AbstractContextManager[None]:
        """Draw otherwise for a while; leaving it undoes everything.

        tiling: pictures whose opposite edges fit; token_merging_ratio 0..1: the share of the tokens that self-attention
        leaves out at full resolution.
        """
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

    def load(self, source: Source) -> LoadedModel:
        """Raises ModelFileError."""
        ...
