"""Builds diffusers' and transformers' networks around the weights of a single-file checkpoint.

The networks are made without memory of their own and take the file's tensors over, so nothing is held twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.loaders import single_file_utils
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn
from torch.nn.functional import interpolate
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel

from sdui.core.errors import ModelFileError

from . import ldm
from .open_clip import clip_weights
from .weights import Weights

State = dict[str, Tensor]
_FROM_LDM: Any = single_file_utils
"""diffusers' untyped converters; they empty the dict that they are given."""


def build_unet(weights: Weights, facts: ldm.Facts, device: torch.device, dtype: torch.dtype) -> UNet2DConditionModel:
    config = ldm.unet_config(weights.shapes, facts)
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel(**config)
        for block in unet.up_blocks:
            block.upsamplers = _fitted(block.upsamplers)
    read = weights.read(ldm.UNET, device, dtype)
    return _filled(unet, _FROM_LDM.convert_ldm_unet_checkpoint(read, config))


class _FittedUpsample(Upsample2D):
    """Doubles first and fits to odd sizes afterwards, as the original UNet does under A1111.

    diffusers fits before its convolution, which gives other pictures where a side is no multiple of 64.
    """

    @classmethod
    def like(cls, other: Upsample2D) -> _FittedUpsample:
        return cls(other.channels, use_conv=True, out_channels=other.out_channels)

    def forward(self, hidden_states: Tensor, output_size: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        doubled = super().forward(hidden_states)
        if output_size is None or doubled.shape[-2:] == output_size:
            return doubled
        return interpolate(doubled, size=tuple(output_size), mode="nearest")


def _fitted(upsamplers: Any) -> nn.ModuleList | None:
    return nn.ModuleList(_FittedUpsample.like(one) for one in upsamplers) if upsamplers else None


def build_vae(weights: Weights, device: torch.device, dtype: torch.dtype) -> AutoencoderKL:
    config = ldm.vae_config(weights.shapes)
    with torch.device("meta"):
        vae = AutoencoderKL(**config)
    return _filled(vae, _FROM_LDM.convert_ldm_vae_checkpoint(weights.read(ldm.VAE, device, dtype), config))


def build_clip(weights: Weights, device: torch.device, dtype: torch.dtype) -> CLIPTextModel:
    """OpenAI's text encoder (Stable Diffusion 1.x)."""
    own = _without(f"{ldm.TEXT}text_model.", weights.read(f"{ldm.TEXT}text_model.", device, dtype))
    own.pop("embeddings.position_ids", None)
    return _text_encoder(own, "quick_gelu", device)


def build_open_clip(weights: Weights, device: torch.device, dtype: torch.dtype) -> CLIPTextModel:
    """OpenCLIP's text encoder (Stable Diffusion 2.x)."""
    own = _without(ldm.OPEN_CLIP, weights.read(ldm.OPEN_CLIP, device, dtype))
    return _text_encoder(clip_weights(own), "gelu", device)


def _text_encoder(weights: State, activation: str, device: torch.device) -> CLIPTextModel:
    shapes = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    config = CLIPTextConfig(**ldm.text_config(shapes, activation))
    with torch.device("meta"):
        encoder = CLIPTextModel(config)
    # The positions are a buffer that is not part of the weights: without this it would stay without memory.
    positions = torch.arange(config.max_position_embeddings, device=device)[None]
    encoder.embeddings.register_buffer("position_ids", positions, persistent=False)
    return _filled(encoder, weights)


def _without(prefix: str, weights: State) -> State:
    return {key.removeprefix(prefix): tensor for key, tensor in weights.items()}


def build_taesd(path: Path, device: torch.device) -> AutoencoderTiny:
    """TAESD's decoder file, whose first layer is a clamp without weights. Raises ModelFileError."""
    with torch.device("meta"):
        tiny = AutoencoderTiny()
    renamed: State = {}
    for key, tensor in Weights(path).read("", device, torch.float32).items():
        index, _, rest = key.partition(".")
        renamed[f"layers.{int(index) - 1}.{rest}" if index.isdecimal() else key] = tensor
    _filled(tiny.decoder, renamed)
    return tiny


def _filled(network: Any, weights: State) -> Any:
    """Raises ModelFileError when tensors are missing or left over."""
    try:
        network.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as error:
        kind = type(network).__name__
        raise ModelFileError(f"its {kind} is incomplete or of another kind. {str(error)[:300]}") from error
    module: nn.Module = network.eval().requires_grad_(False)
    return module
