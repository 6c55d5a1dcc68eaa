"""The single-file layout of latent diffusion checkpoints: sizes of the networks, read from the shapes in the file.

Key names are those of CompVis' latent-diffusion code, as A1111 and every model site use them. What shapes cannot
say (attention heads, noise schedule, latent scale) comes from the LDM .yaml beside the file or from the family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from sdui.core.errors import ModelFileError

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
OPEN_CLIP = "cond_stage_model.model."
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What cannot be read from shapes."""

    heads: int = 8
    """Attention heads of the UNet; 0 when `head_channels` counts."""
    head_channels: int = 0
    """Channels of one head; 0 when `heads` counts."""
    beta_start: float = 0.00085
    beta_end: float = 0.012
    timesteps: int = 1000
    latent_scale: float = 0.18215
    """Latents are divided by this before the VAE decodes them."""
    prediction: str = ""
    """What the UNet predicts: "eps" (noise) or "v"; "" when only the UNet itself can tell."""

    def honouring(self, config: Path | None) -> Facts:
        """With what an LDM .yaml says instead. Raises ModelFileError when the file is no such config."""
        if config is None:
            return self
        try:
            params = yaml.safe_load(config.read_text(encoding="utf-8"))["model"]["params"]
            unet = params["unet_config"]["params"]
            heads, head_channels = (max(0, int(unet.get(f"num_{name}", 0))) for name in ("heads", "head_channels"))
            if not heads and not head_channels:
                heads, head_channels = self.heads, self.head_channels
            return replace(
                self,
                heads=0 if head_channels else heads,
                head_channels=head_channels,
                beta_start=float(params.get("linear_start", self.beta_start)),
                beta_end=float(params.get("linear_end", self.beta_end)),
                timesteps=int(params.get("timesteps", self.timesteps)),
                latent_scale=float(params.get("scale_factor", self.latent_scale)),
                prediction=str(params.get("parameterization", "eps")),
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{config} is no config of a latent diffusion model. Mend or remove it.") from error

    def heads_for(self, channels: int) -> int:
        return self.heads or max(1, channels // self.head_channels)


def unet_config(shapes: Shapes, facts: Facts) -> dict[str, Any]:
    """Arguments of diffusers' UNet2DConditionModel. Raises ModelFileError, naming a tensor that is missing."""
    shapes = _Complete(shapes)
    levels: list[int] = [shapes[f"{UNET}input_blocks.0.0.weight"][0]]
    blocks_at, depth_at = [0], [0]
    for i in range(1, _count(shapes, rf"{re.escape(UNET)}input_blocks\.(\d+)\.")):
        block = f"{UNET}input_blocks.{i}."
        if f"{block}0.op.weight" in shapes:
            levels.append(levels[-1])
            blocks_at.append(0)
            depth_at.append(0)
            continue
        levels[-1] = shapes[f"{block}0.in_layers.2.weight"][0]
        blocks_at[-1] += 1
        depth_at[-1] = _count(shapes, rf"{re.escape(block)}1\.transformer_blocks\.(\d+)\.")
    attention = f"{UNET}middle_block.1."
    types = [("CrossAttnDownBlock2D", "CrossAttnUpBlock2D") if d else ("DownBlock2D", "UpBlock2D") for d in depth_at]
    return {
        "in_channels": shapes[f"{UNET}input_blocks.0.0.weight"][1],
        "out_channels": shapes[f"{UNET}out.2.weight"][0],
        "block_out_channels": levels,
        "layers_per_block": blocks_at[0],
        "down_block_types": [down for down, _ in types],
        "up_block_types": [up for _, up in reversed(types)],
        "transformer_layers_per_block": [max(depth, 1) for depth in depth_at],
        "cross_attention_dim": shapes[f"{attention}transformer_blocks.0.attn2.to_k.weight"][1],
        "attention_head_dim": [facts.heads_for(channels) for channels in levels],
        "use_linear_projection": len(shapes[f"{attention}proj_in.weight"]) == 2,
    }


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """Arguments of diffusers' AutoencoderKL. Raises ModelFileError, naming a tensor that is missing."""
    shapes = _Complete(shapes)
    encoder = f"{VAE}encoder."
    levels = _count(shapes, rf"{re.escape(encoder)}down\.(\d+)\.")
    channels = [shapes[f"{encoder}down.{i}.block.0.conv2.weight"][0] for i in range(levels)]
    return {
        "in_channels": shapes[f"{encoder}conv_in.weight"][1],
        "out_channels": shapes[f"{VAE}decoder.conv_out.weight"][0],
        "latent_channels": shapes[f"{VAE}post_quant_conv.weight"][1],
        "block_out_channels": channels,
        "layers_per_block": _count(shapes, rf"{re.escape(encoder)}down\.0\.block\.(\d+)\."),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


def text_config(shapes: Shapes, activation: str) -> dict[str, Any]:
    """Arguments of transformers' CLIPTextConfig for shapes under its own names; heads have 64 channels.

    Raises ModelFileError, naming a tensor that is missing.
    """
    shapes = _Complete(shapes)
    vocabulary, width = shapes["embeddings.token_embedding.weight"]
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": _count(shapes, r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(2, width // 64),
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
        "hidden_act": activation,
        "projection_dim": width,
    }


class _Complete(dict[str, tuple[int, ...]]):
    def __missing__(self, name: str) -> tuple[int, ...]:
        raise ModelFileError(f"it lacks {name}. Download it again.")


def _count(shapes: Shapes, pattern: str) -> int:
    """Numbers in `pattern`'s group run from 0; how many there are."""
    found = (match for key in shapes if (match := re.match(pattern, key)))
    return 1 + max((int(match[1]) for match in found), default=-1)
