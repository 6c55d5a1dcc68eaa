"""The networks of checkpoints, random and tiny, without a file."""

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel


def sd1_networks(blocks: int = 2, channels: int = 4) -> dict[str, torch.nn.Module]:
    """Three levels with so many residual blocks each; attention in the first two and in the middle."""
    unet = _unet(
        in_channels=channels,
        layers_per_block=blocks,
        block_out_channels=(32, 32, 64),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
    )
    return {"unet": unet, "te0": _text(32)}


def sdxl_networks() -> dict[str, torch.nn.Module]:
    """Three levels, none of which has attention at full size, told the size beside the text, with two encoders."""
    unet = _unet(
        block_out_channels=(32, 32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        cross_attention_dim=64,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=64,
    )
    return {"unet": unet, "te0": _text(32), "te1": _text(48)}


def weight(networks: dict[str, torch.nn.Module], path: str) -> torch.Tensor:
    """By a path such as unet.conv_in."""
    network, _, rest = path.partition(".")
    return networks[network].get_submodule(rest).weight


def _unet(**config) -> torch.nn.Module:
    torch.manual_seed(0)
    return UNet2DConditionModel(norm_num_groups=8, attention_head_dim=4, **config).requires_grad_(False)


def _text(width: int) -> torch.nn.Module:
    torch.manual_seed(width)
    sizes = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2, "num_attention_heads": 2}
    return CLIPTextModel(CLIPTextConfig(vocab_size=64, bos_token_id=1, eos_token_id=2, **sizes)).requires_grad_(False)
