"""Stable Diffusion 1.x: CLIP text encoder, UNet predicting the noise, AutoencoderKL; of any size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.preview import apply_linear, fit_linear, load_taesd
from sdui.models.text import encode_chunks
from sdui.models.timesteps import noise_levels, timestep_of

from .base import Conditioning, Latent

_FIRST = f"{ldm.UNET}input_blocks.0.0.weight"
_TOKENS = f"{ldm.TEXT}text_model.embeddings.token_embedding.weight"


class SD15:
    name = "Stable Diffusion 1.x"
    size = (512, 512)

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return _TOKENS in shapes and f"{ldm.VAE}post_quant_conv.weight" in shapes and shapes.get(_FIRST, (0, 0))[1] == 4

    def load(
        self, path: Path, config: Path | None, device: torch.device, dtype: torch.dtype, taesd: Path
    ) -> LoadedSD15:
        # diffusers and transformers take seconds to import; listing the checkpoints must not wait for them.
        from sdui.models import networks

        facts = ldm.Facts().honouring(config)
        weights = networks.read_weights(path)
        vae_dtype = torch.float32 if dtype == torch.float16 else dtype
        try:
            return LoadedSD15(
                unet=networks.build_unet(weights, facts, device, dtype),
                vae=networks.build_vae(weights, device, vae_dtype),
                text_encoder=networks.build_text_encoder(weights, device, dtype),
                facts=facts,
                taesd=taesd,
            )
        except (ModelFileError, KeyError) as error:
            raise ModelFileError(f"{path} cannot be loaded: {error}") from error


class LoadedSD15:
    """See `LoadedModel`. The networks are diffusers' and transformers' and may be called bare, as the bench does."""

    def __init__(self, unet: Any, vae: Any, text_encoder: Any, facts: ldm.Facts, taesd: Path) -> None:
        self.unet, self.vae, self.text_encoder = unet, vae, text_encoder
        # Asking diffusers' networks takes a millisecond: they go through all their weights for it.
        self.device: torch.device = unet.device
        self._dtype: torch.dtype = unet.dtype
        levels = len(vae.config.block_out_channels)
        self.latent = Latent(vae.config.latent_channels, 2 ** (levels - 1))
        self.sigmas = noise_levels(facts.beta_start, facts.beta_end, facts.timesteps)
        self._scale = facts.latent_scale
        self._taesd_folder = taesd
        self._taesd: Any | None = None
        self._linear: Tensor | None = None

    def encode_text(self, tokens: Tensor, weights: Tensor, clip_skip: int) -> Conditioning:
        return Conditioning(encode_chunks(self.text_encoder, tokens.to(self.device), weights, clip_skip))

    def denoise(self, x: Tensor, sigma: Tensor, conditioning: Conditioning) -> Tensor:
        scaled = (x / (sigma**2 + 1).sqrt()).to(self._dtype)
        timestep = timestep_of(sigma, self.sigmas).expand(len(x)).to(self.device)
        context = conditioning.context.to(self._dtype)
        (noise,) = self.unet(scaled, timestep, encoder_hidden_states=context, return_dict=False)
        return x - sigma * noise.to(x.dtype)

    def encode_image(self, images: Tensor) -> Tensor:
        pixels = (images.to(self.device) * 2 - 1).to(self.vae.dtype)
        return self.vae.encode(pixels).latent_dist.mode().float() * self._scale

    def decode(self, latents: Tensor) -> Tensor:
        """One picture at a time: a batch's activations would need that many times the memory."""
        images = [self.vae.decode((z[None] / self._scale).to(self.vae.dtype)).sample for z in latents]
        return (torch.cat(images).float() / 2 + 0.5).clamp(0, 1)

    def decode_bytes(self, width: int, height: int) -> int:
        """Measured: five tensors of the widest layer at full size."""
        return 5 * self.vae.config.block_out_channels[1] * self.vae.dtype.itemsize * width * height

    def preview(self, latents: Tensor, sharp: bool) -> Tensor:
        if sharp and self._taesd is None:
            self._taesd = load_taesd(self._taesd_folder, self.device)
        if sharp and self._taesd is not None:
            return (self._taesd.decode(latents.float()).sample / 2 + 0.5).clamp(0, 1)
        if self._linear is None:
            self._linear = fit_linear(
                lambda z: self.decode(z.to(self.device)), self.latent.channels, self.latent.downscale
            )
        return apply_linear(self._linear, latents)
