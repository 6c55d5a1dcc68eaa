"""Networks of the bundled checkpoint's sizes that have learned nothing yet."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel

from .single_file import Networks
from .vae import hardened

_WIDTH = 128
_TOKENS = 49408


def fresh_networks() -> Networks:
    """Always the same ones; at two bytes a number they take 47 MB, 13 of them for CLIP's many tokens."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(64, 128, 128, 128),
        layers_per_block=2,
        attention_head_dim=8,
        cross_attention_dim=_WIDTH,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    )
    _quieten(unet, ("conv2", "proj_out", "conv_out"))
    text = CLIPTextConfig(
        vocab_size=_TOKENS,
        hidden_size=_WIDTH,
        intermediate_size=4 * _WIDTH,
        num_hidden_layers=4,
        num_attention_heads=2,
        hidden_act="quick_gelu",
        projection_dim=_WIDTH,
    )
    return Networks(unet, _fresh_vae(), CLIPTextModel(text))


def _fresh_vae() -> AutoencoderKL:
    sizes: dict[str, Any] = {
        "sample_size": 128,
        "latent_channels": 4,
        "layers_per_block": 1,
        "block_out_channels": (64, 64, 64, 128),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
    }
    vae = AutoencoderKL(**sizes)
    _quieten(vae, ("conv2", "to_out.0"))
    moments = vae.quant_conv
    assert moments is not None and moments.bias is not None
    with torch.no_grad():
        # Latents begin with hardly any noise, or nothing would be worth being kept in them.
        moments.weight[4:].zero_()
        moments.bias[4:].fill_(-6.0)
    # It is softened before it learns, and must come out of that as it is here.
    return hardened(vae)


def _quieten(network: Any, ends: tuple[str, ...]) -> None:
    """Every residual branch begins with nothing to say (arXiv:1706.02677), which makes the first steps safe."""
    with torch.no_grad():
        for name, module in network.named_modules():
            if name.endswith(ends) and isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.zero_()
                if module.bias is not None:
                    module.bias.zero_()
