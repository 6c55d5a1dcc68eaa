"""Builds diffusers' and transformers' networks around the weights of a single-file checkpoint.

The networks are made without memory of their own and take the file's tensors over, so nothing is held twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
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
from .ldm_names import unet_names, vae_names
from .open_clip import clip_weights
from .weights import Weights

State = dict[str, Tensor]


def build_unet(weights: Weights, facts: ldm.Facts, device: torch.device, dtype: torch.dtype) -> UNet2DConditionModel:
    config = ldm.unet_config(weights.shapes, facts)
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel(**config)
        for block in unet.up_blocks:
            block.upsamplers = _fitted(block.upsamplers)
    return filled_by_name(unet, unet_names, ldm.UNET, weights.read(ldm.UNET, device, dtype))


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
    with torch.device("meta"):
        vae = AutoencoderKL(**ldm.vae_config(weights.shapes))
    return filled_by_name(vae, vae_names, ldm.VAE, weights.read(ldm.VAE, device, dtype))


def build_clip(weights: Weights, device: torch.device, dtype: torch.dtype, prefix: str = ldm.TEXT) -> CLIPTextModel:
    """OpenAI's text encoder, the one of Stable Diffusion 1.x."""
    own = _without(f"{prefix}text_model.", weights.read(f"{prefix}text_model.", device, dtype))
    own.pop("embeddings.position_ids", None)
    return _text_encoder(own, "quick_gelu", device)


def build_open_clip(
    weights: Weights, device: torch.device, dtype: torch.dtype, prefix: str = ldm.OPEN_CLIP
) -> CLIPTextModel:
    """OpenCLIP's text encoder, the one of Stable Diffusion 2.x."""
    own = _without(prefix, weights.read(prefix, device, dtype))
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


def filled_by_name(
    network: Any, names_in_file: Callable[[Iterable[str]], dict[str, str]], prefix: str, read: State
) -> Any:
    """A network of diffusers with the weights of a single-file checkpoint, which are emptied.

    Raises ModelFileError, naming under their names in the file the tensors that are missing or do not fit.
    """
    wanted: dict[str, Tensor] = network.state_dict()
    names = {name: prefix + other for name, other in names_in_file(wanted).items()}
    missing = [other for other in names.values() if other not in read]
    if missing:
        raise ModelFileError(f"it lacks {len(missing)} of {len(wanted)} tensors: {_some(missing)}. Download it again.")
    # Linear layers that the file has as convolutions of 1x1 are looked at as what they are.
    weights = {name: _fitted_to(wanted[name], read.pop(other), other) for name, other in names.items()}
    return _filled(network, weights)


def _fitted_to(wanted: Tensor, given: Tensor, name: str) -> Tensor:
    if given.shape != wanted.shape and given.shape != (*wanted.shape, 1, 1):
        raise ModelFileError(f"its {name} is {list(given.shape)} where the others need {list(wanted.shape)}.")
    return given.view(wanted.shape)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _filled(network: Any, weights: State) -> Any:
    """Raises ModelFileError when tensors are missing or do not fit."""
    kind = type(network).__name__
    try:
        missing = network.load_state_dict(weights, strict=False, assign=True).missing_keys
    except RuntimeError as error:
        raise ModelFileError(f"its {kind} is of another kind. {str(error)[:300]}") from error
    if missing:
        raise ModelFileError(f"its {kind} lacks {len(missing)} tensors: {_some(missing)}. Download it again.")
    module: nn.Module = network.eval().requires_grad_(False)
    return module
