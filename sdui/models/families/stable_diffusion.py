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
from sdui.models.preview import apply_linear, fit_linear, load_taesd
from sdui.models.text import Texts, encode_chunks
from sdui.models.tiling import circular_padding
from sdui.models.timesteps import alphas_cumprod
from sdui.models.token_merging import merged_tokens

from .base import Conditioning, Kind, Latent

_FIRST = f"{ldm.UNET}input_blocks.0.0.weight"
_KINDS: dict[int, Kind] = {4: "plain", 9: "inpainting", 8: "edit", 5: "depth"}
"""By the UNet's input channels."""


def has_networks(shapes: ldm.Shapes, *input_channels: int, vector: bool = False) -> bool:
    """Whether a VAE is there and a UNet that takes so many channels and, where `vector` is, a vector beside them."""
    if f"{ldm.VAE}post_quant_conv.weight" not in shapes or (ldm.VECTOR in shapes) is not vector:
        return False
    return shapes.get(_FIRST, (0, 0))[1] in input_channels


class LoadedStableDiffusion:
    """See `LoadedModel`. The networks are diffusers' and transformers' and may be called bare, as the bench does."""

    sdxl = False
    depth: Callable[[Tensor], Tensor] | None = None

    def __init__(
        self, unet: Any, vae: Any, text_encoders: tuple[Any, ...], facts: ldm.Facts, taesd: Sequence[Path]
    ) -> None:
        self.unet, self.vae, self.text_encoders = unet, vae, text_encoders
        texts = {f"te{place}": encoder for place, encoder in enumerate(text_encoders)}
        self.adapters = Adapters({"unet": unet, **texts})
        # Asking diffusers' networks takes a millisecond: they go through all their weights for it.
        self.device: torch.device = unet.device
        self.dtype: torch.dtype = unet.dtype
        self.text_widths: tuple[int, ...] = tuple(encoder.config.hidden_size for encoder in text_encoders)
        levels = len(vae.config.block_out_channels)
        self.latent = Latent(vae.config.latent_channels, 2 ** (levels - 1))
        self.kind: Kind = _KINDS[unet.config.in_channels]
        self.alphas_cumprod = alphas_cumprod(facts.beta_start, facts.beta_end, facts.timesteps)
        self.zero_snr = facts.zero_snr
        self._predicts_v = facts.prediction == "v"
        self._scale = facts.latent_scale
        self._taesd_folders = taesd
        self._taesd: Any | None = None
        self._linear: Tensor | None = None

    @property
    def text_encoder(self) -> Any:
        """The first of them."""
        return self.text_encoders[0]

    @property
    def text_state(self) -> str:
        return self.adapters.text_state

    def encode_text(self, texts: Texts) -> Conditioning:
        tokens = self._filled(texts.tokens.to(self.device))
        return Conditioning(encode_chunks(self.text_encoder, texts, tokens, self._layers(texts.clip_skip)))

    def _filled(self, tokens: Tensor) -> Tensor:
        """[B,N,77] as the text encoder wants what follows a chunk's end token: OpenAI's as it is."""
        return tokens

    def _layers(self, clip_skip: int) -> int:
        """How many of the text encoder's layers are used: 1 takes all, 2 all but the last."""
        return max(0, len(self.text_encoder.encoder.layers) - (clip_skip - 1))

    def denoise(self, x: Tensor, sigma: float, timestep: float, conditioning: Conditioning) -> Tensor:
        """From predicted noise, or from v = alpha * noise - sigma * x0 (Salimans and Ho 2022, arXiv:2202.00512)."""
        variance = sigma**2 + 1
        seen = (x / math.sqrt(variance)).to(self.dtype)
        if conditioning.concat is not None:
            seen = torch.cat([seen, conditioning.concat.to(self.dtype)], dim=1)
        times = torch.full((len(x),), timestep, dtype=torch.float32, device=x.device)
        context = conditioning.context.to(self.dtype)
        vector = None if conditioning.vector is None else conditioning.vector.to(self.dtype)
        (predicted,) = self.unet(seen, times, encoder_hidden_states=context, class_labels=vector, return_dict=False)
        if self._predicts_v:
            return x / variance - predicted.to(x.dtype) * (sigma / math.sqrt(variance))
        return x - sigma * predicted.to(x.dtype)

    def encode_image(self, images: Tensor, *, scaled: bool = True) -> Tensor:
        """One picture at a time, see `decode`.

        A network that edits (InstructPix2Pix, arXiv:2211.09800) was trained on unscaled latents of its picture.
        """
        pixels = (images.to(self.device) * 2 - 1).to(self.vae.dtype)
        latents = [self.vae.encode(picture[None]).latent_dist.mode().float() for picture in pixels]
        return torch.cat(latents) * (self._scale if scaled else 1)

    def decode(self, latents: Tensor) -> Tensor:
        """One picture at a time: a batch's activations would need that many times the memory."""
        images = [self.vae.decode((z[None] / self._scale).to(self.vae.dtype)).sample for z in latents]
        return (torch.cat(images).float() / 2 + 0.5).clamp(0, 1)

    def decode_bytes(self, width: int, height: int) -> int:
        """Measured: five tensors of the widest layer at full size."""
        return 5 * self.vae.config.block_out_channels[1] * self.vae.dtype.itemsize * width * height

    def preview(self, latents: Tensor, sharp: bool) -> Tensor:
        if sharp and self._taesd is None:
            self._taesd = load_taesd(self._taesd_folders, self.device)
        if sharp and self._taesd is not None:
            return (self._taesd.decode(latents.float()).sample / 2 + 0.5).clamp(0, 1)
        if self._linear is None:
            self._linear = fit_linear(
                lambda z: self.decode(z.to(self.device)), self.latent.channels, self.latent.downscale
            )
        return apply_linear(self._linear, latents)

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
