"""Stable Diffusion XL: two text encoders, and a UNet that is told the text as a whole and the picture's size.

The layout is that of Podell et al. 2023 (arXiv:2307.01952). Merges for few steps (Turbo, Lightning, LCM) have it too;
SSD-1B has fewer transformers (arXiv:2401.02677), inpainting and editing ones take more channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.text import Texts, chunk_states, context, padded_with, pooled
from sdui.models.weights import Weights

from .base import Conditioning, Source
from .stable_diffusion import LoadedStableDiffusion, has_networks

FACTS = ldm.Facts(heads=0, head_channels=64, latent_scale=0.13025)
_CLIP, _OPEN_CLIP = "conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."
_WAVES = 256
"""Values that stand for one number."""
_EDM_MARKS = ("edm_vpred.sigma_max", "edm_mean")
"""In SDXL checkpoints that were trained on another range of noise levels (CosXL, Playground 2.5)."""


class SDXL:
    name = "Stable Diffusion XL"
    size = (1024, 1024)

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        encoders = (f"{_CLIP}text_model.final_layer_norm.weight", f"{_OPEN_CLIP}ln_final.weight")
        if any(mark in shapes for mark in _EDM_MARKS):
            return False
        return all(key in shapes for key in encoders) and has_networks(shapes, 4, 8, 9, vector=True)

    def load(self, source: Source) -> LoadedSDXL:
        # diffusers and transformers take seconds to import; listing the checkpoints must not wait for them.
        from sdui.models import networks

        weights = Weights(source.path)
        facts = FACTS.honouring(source.config).marked(weights.shapes)
        try:
            encoders = (
                networks.build_clip(weights, source.device, source.dtype, _CLIP),
                networks.build_open_clip(weights, source.device, source.dtype, _OPEN_CLIP),
            )
            return LoadedSDXL(
                unet=networks.build_unet(weights, facts, source.device, source.dtype),
                vae=networks.build_vae(weights, source.device, source.vae_dtype),
                text_encoders=encoders,
                projection=projection(weights, _OPEN_CLIP, source),
                facts=facts,
                taesd=source.taesd,
            )
        except (ModelFileError, KeyError) as error:
            raise ModelFileError(f"{source.path} cannot be loaded: {error}") from error


def projection(weights: Weights, prefix: str, source: Source) -> Tensor:
    """[D,P] from OpenCLIP's states to the space that texts and pictures share. Raises KeyError."""
    name = f"{prefix}text_projection"
    return weights.read(name, source.device, source.dtype)[name]


class LoadedSDXL(LoadedStableDiffusion):
    sdxl = True

    def __init__(
        self,
        *,
        unet: Any,
        vae: Any,
        text_encoders: tuple[Any, ...],
        projection: Tensor,
        facts: ldm.Facts,
        taesd: Sequence[Path],
    ) -> None:
        """The last of the text encoders is OpenCLIP's, whose projection this is."""
        super().__init__(unet, vae, text_encoders, facts, taesd)
        self._projection, self._clip_layers = projection, facts.clip_layers

    def encode_text(self, texts: Texts) -> Conditioning:
        """Each encoder's tokens are weighed for themselves; of several chunks the first stands for the whole text."""
        self.placement.use("text")
        tokens = texts.tokens.to(self.device)
        filled, encoder, which = padded_with(tokens, 0), self.text_encoders[-1], len(self.text_encoders) - 1
        layers = len(encoder.encoder.layers) - 1
        states = chunk_states(encoder, texts, filled, layers, which)
        whole = pooled(encoder, states[0], layers, filled[:, 0], self._projection.to(self.device))
        told = torch.cat([*self._more_context(texts, tokens), context(texts, states)], dim=-1)
        if texts.negative and texts.empty:
            # It was trained with nothing at all in the place of an empty prompt.
            told, whole = torch.zeros_like(told), torch.zeros_like(whole)
        return Conditioning(told, torch.cat([whole, self._numbers(texts).expand(len(whole), -1)], dim=-1))

    def _more_context(self, texts: Texts, tokens: Tensor) -> list[Tensor]:
        """What stands before OpenCLIP's: that of CLIP, without the final norm."""
        layers = len(self.text_encoder.encoder.layers)
        used = layers - 1 if self._clip_layers is None else self._clip_layers
        if texts.sdxl.clip_l_skip:
            used = max(0, layers - (texts.clip_skip - 1))
        return [context(texts, chunk_states(self.text_encoder, texts, tokens, used))]

    def _numbers(self, texts: Texts) -> Tensor:
        """The picture's size, what was cut off of it, the size to draw, each downwards and across: [1,6*256]."""
        size, crop = (texts.size[1], texts.size[0]), (texts.sdxl.crop_top, texts.sdxl.crop_left)
        return waves([*size, *crop, *size]).to(self.device)


def waves(numbers: Sequence[float]) -> Tensor:
    """Cosines and sines of each number at falling frequencies, as for timesteps (arXiv:1706.03762): [1,N*256]."""
    half = _WAVES // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    angles = torch.tensor(numbers, dtype=torch.float32)[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1).reshape(1, -1)
