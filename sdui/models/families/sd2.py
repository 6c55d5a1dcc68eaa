"""Stable Diffusion 2.x and its inpainting variant: OpenCLIP and a UNet that predicts noise or v."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.text import padded_with
from sdui.models.weights import Weights

from .base import Source
from .stable_diffusion import LoadedStableDiffusion, has_networks


class SD2:
    name = "Stable Diffusion 2.x"
    size = (768, 768)

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return f"{ldm.OPEN_CLIP}token_embedding.weight" in shapes and has_networks(shapes, 4, 9)

    def load(self, source: Source) -> LoadedSD2:
        return load_sd2(Weights(source.path), source)


def load_sd2(weights: Weights, source: Source) -> LoadedSD2:
    """Raises ModelFileError."""
    # diffusers and transformers take seconds to import; listing the checkpoints must not wait for them.
    from sdui.models import networks

    facts = ldm.Facts(heads=0, head_channels=64).honouring(source.config).marked(weights.shapes)
    try:
        unet = networks.build_unet(weights, facts, source.device, source.dtype)
        if not facts.prediction:
            facts = replace(facts, prediction="v" if _seems_to_predict_v(unet) else "eps")
        return LoadedSD2(
            unet=unet,
            vae=networks.build_vae(weights, source.device, source.vae_dtype),
            text_encoders=(networks.build_open_clip(weights, source.device, source.dtype),),
            facts=facts,
            taesd=source.taesd,
        )
    except (ModelFileError, KeyError) as error:
        raise ModelFileError(f"{source.path} cannot be loaded: {error}") from error


class LoadedSD2(LoadedStableDiffusion):
    def _filled(self, tokens: Tensor) -> Tensor:
        return padded_with(tokens, 0)

    def _layers(self, clip_skip: int) -> int:
        """It was trained on the last layer but one; as in A1111, clip skip changes nothing."""
        return len(self.text_encoder.encoder.layers) - 1


@torch.inference_mode()
def _seems_to_predict_v(unet: Any) -> bool:
    """Ask it once about constant latents at the last timestep, where v is far below what it sees and noise is not.

    A1111 asks the same. Inpainting and depth networks all predict noise.
    """
    if unet.config.in_channels != 4:
        return False
    half = torch.full((1, 4, 8, 8), 0.5, device=unet.device, dtype=unet.dtype)
    context = torch.full((1, 2, unet.config.cross_attention_dim), 0.5, device=unet.device, dtype=unet.dtype)
    (predicted,) = unet(half, 999, encoder_hidden_states=context, return_dict=False)
    return (predicted - half).mean().item() < -1
