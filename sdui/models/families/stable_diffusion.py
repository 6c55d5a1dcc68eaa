"""What the Stable Diffusion families have in common: a UNet, an AutoencoderKL and a text encoder, of any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdui.models import hypernetworks, ldm
from sdui.models.adapters.adapters import Adapters
from sdui.models.placement import Networks, Placement
from sdui.models.preview import Taesd
from sdui.models.text import Texts, encode_chunks
from sdui.models.tiling import circular_padding
from sdui.models.timesteps import alphas_cumprod
from sdui.models.token_merging import merged_tokens
from sdui.models.vae import Fallback, Vae

from .base import Conditioning, Kind, Latent

_FIRST = f"{ldm.UNET}input_blocks.0.0.weight"
_KINDS: dict[int, Kind] = {4: "plain", 9: "inpainting", 8: "edit", 5: "depth"}
"""By the UNet's input channels."""
_SDXL_SCALE = 0.13025
"""Of the latents, which tells those of SDXL's VAE from others."""


def has_networks(shapes: ldm.Shapes, *input_channels: int, vector: bool = False) -> bool:
    """Whether a VAE is there and a UNet that takes so many channels and, where `vector` is, a vector beside them."""
    if f"{ldm.VAE}post_quant_conv.weight" not in shapes or (ldm.VECTOR in shapes) is not vector:
        return False
    return shapes.get(_FIRST, (0, 0))[1] in input_channels


def is_editing(shapes: ldm.Shapes) -> bool:
    """Whether the UNet is InstructPix2Pix' (arXiv:2211.09800)."""
    return _KINDS.get(shapes.get(_FIRST, (0, 0))[1]) == "edit"


class LoadedStableDiffusion:
    """See `LoadedModel`. The networks are diffusers' and transformers' and may be called bare, as the bench does."""

    sdxl = False
    depth: Callable[[Tensor], Tensor] | None = None

    def __init__(
        self, unet: Any, vae: Any, text_encoders: tuple[Any, ...], facts: ldm.Facts, taesd: Sequence[Path]
    ) -> None:
        self.unet, self.text_encoders = unet, text_encoders
        self.autoencoder = Vae(vae, facts.latent_scale)
        texts = {f"te{place}": encoder for place, encoder in enumerate(text_encoders)}
        self.adapters = Adapters({"unet": unet, **texts})
        # Asking diffusers' networks takes a millisecond: they go through all their weights for it.
        self.placement = Placement(unet.device, self._networks)
        self.dtype: torch.dtype = unet.dtype
        self.text_widths: tuple[int, ...] = tuple(encoder.config.hidden_size for encoder in text_encoders)
        self.latent = Latent(self.autoencoder.channels, self.autoencoder.downscale)
        self.kind: Kind = _KINDS[unet.config.in_channels]
        self.alphas_cumprod = alphas_cumprod(facts.beta_start, facts.beta_end, facts.timesteps)
        self.zero_snr = facts.zero_snr
        self._predicts_v = facts.prediction == "v"
        self._taesd = Taesd(taesd, "taesdxl_decoder" if facts.latent_scale == _SDXL_SCALE else "taesd_decoder")

    @property
    def vae(self) -> Any:
        """diffusers' network of the VAE that is used at the moment."""
        return self.autoencoder.network

    @property
    def text_encoder(self) -> Any:
        """The first of them."""
        return self.text_encoders[0]

    @property
    def text_state(self) -> str:
        return self.adapters.text_state

    def _networks(self) -> Networks:
        return {"text": self.text_encoders, "unet": [self.unet], "vae": [self.vae]}

    @property
    def device(self) -> torch.device:
        return self.placement.device

    def release(self) -> None:
        self.placement.spill("text", "unet", "vae")
        self.adapters.release()
        self._taesd.release()

    def encode_text(self, texts: Texts) -> Conditioning:
        self.placement.use("text")
        tokens = self._filled(texts.tokens.to(self.device))
        return Conditioning(encode_chunks(self.text_encoder, texts, tokens, self._layers(texts.clip_skip)))

    def _filled(self, tokens: Tensor) -> Tensor:
        """[B,N,77] as the text encoder wants what follows a chunk's end token: OpenAI's as it is."""
        return tokens

    def _layers(self, clip_skip: int) -> int:
        """How many of the text encoder's layers are used: 1 takes all, 2 all but the last."""
        return max(0, len(self.text_encoder.encoder.layers) - (clip_skip - 1))

    def denoise(
        self, x: Tensor, sigma: float, timestep: float, conditioning: Conditioning, *, as_noise: bool = False
    ) -> Tensor:
        """From predicted noise, or from v = alpha * noise - sigma * x0 (Salimans and Ho 2022, arXiv:2202.00512)."""
        self.placement.use("unet")
        variance = sigma**2 + 1
        seen = (x / math.sqrt(variance)).to(self.dtype)
        if conditioning.concat is not None:
            seen = torch.cat([seen, conditioning.concat.to(self.dtype)], dim=1)
        times = torch.full((len(x),), timestep, dtype=torch.float32, device=x.device)
        context = conditioning.context.to(self.dtype)
        vector = None if conditioning.vector is None else conditioning.vector.to(self.dtype)
        (predicted,) = self.unet(seen, times, encoder_hidden_states=context, class_labels=vector, return_dict=False)
        if self._predicts_v and not as_noise:
            return x / variance - predicted.to(x.dtype) * (sigma / math.sqrt(variance))
        return x - sigma * predicted.to(x.dtype)

    def encode_image(self, images: Tensor, *, scaled: bool = True) -> Tensor:
        """A network that edits (InstructPix2Pix, arXiv:2211.09800) was trained on unscaled latents of its picture."""
        self.placement.use("vae")
        return self.autoencoder.encode(images.to(self.device), scaled=scaled)

    def decode(self, latents: Tensor) -> Tensor:
        self.placement.use("vae")
        return self.autoencoder.decode(latents)

    def decode_bytes(self, width: int, height: int) -> int:
        return self.autoencoder.decode_bytes(width, height)

    def preview(self, latents: Tensor, sharp: bool) -> Tensor:
        if sharp and (images := self._taesd.decode(latents)) is not None:
            return images
        return self.autoencoder.colours(latents)

    @contextmanager
    def using_vae(self, vae: Vae | None, fallback: Fallback) -> Generator[None]:
        own, self.autoencoder = self.autoencoder, vae or self.autoencoder
        before, self.autoencoder.fallback = self.autoencoder.fallback, fallback
        try:
            yield
        finally:
            self.autoencoder.fallback, self.autoencoder = before, own

    def with_hypernetworks(self, chosen: hypernetworks.Chosen) -> AbstractContextManager[None]:
        return hypernetworks.applied(self.unet, chosen)

    @contextmanager
    def patched(self, *, tiling: bool, token_merging_ratio: float) -> Generator[None]:
        with ExitStack() as changes:
            if tiling:
                changes.enter_context(circular_padding(self.unet, self.vae))
            if token_merging_ratio > 0:
                changes.enter_context(merged_tokens(self.unet, token_merging_ratio))
            yield
