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
OPEN_CLIP, DEPTH = "cond_stage_model.model.", "depth_model.model."
VECTOR = f"{UNET}label_emb.0.0.weight"
"""Takes what SDXL is told beside the text, [.,P]."""
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
    """What the UNet predicts: "eps" (noise) or "v"; "" when no one says."""
    zero_snr: bool = False
    """It was trained on a noise schedule that ends with noise alone (arXiv:2305.08891)."""
    clip_layers: int | None = None
    """How many layers of SDXL's CLIP are used; None takes all but the last."""

    def honouring(self, config: Path | None) -> Facts:
        """With what an LDM .yaml says instead. Raises ModelFileError when the file is no such config."""
        if config is None:
            return self
        try:
            params = yaml.safe_load(config.read_text(encoding="utf-8"))["model"]["params"]
            unet = params["network_config" if "network_config" in params else "unet_config"]["params"]
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
                prediction=_prediction(params),
                clip_layers=_clip_layers(params),
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{config} is no config of a latent diffusion model. Mend or remove it.") from error

    def marked(self, shapes: Shapes) -> Facts:
        """With what empty tensors in the file say by their names, as trainers of v-prediction models leave them."""
        prediction = self.prediction or ("v" if "v_pred" in shapes else "")
        return replace(self, prediction=prediction, zero_snr="ztsnr" in shapes)

    def heads_for(self, channels: int) -> int:
        return self.heads or max(1, channels // self.head_channels)


def _prediction(params: dict[str, Any]) -> str:
    """SDXL's configs name a class that scales the answer, those before it the answer."""
    if "denoiser_config" not in params:
        return str(params.get("parameterization", "eps"))
    scaling = str(params["denoiser_config"]["params"]["scaling_config"]["target"])
    return "v" if scaling.endswith(".VScaling") else "eps"


def _clip_layers(params: dict[str, Any]) -> int | None:
    texts = params.get("conditioner_config", {}).get("params", {}).get("emb_models", [])
    layers = [one["params"].get("layer_idx") for one in texts if one["target"].endswith(".FrozenCLIPEmbedder")]
    return None if not layers or layers[0] is None else int(layers[0])


def unet_config(shapes: Shapes, facts: Facts) -> dict[str, Any]:
    """Arguments of diffusers' UNet2DConditionModel. Raises ModelFileError, naming a tensor that is missing."""
    shapes = Complete(shapes)
    channels, down = falling(shapes)
    size = len(down[0]) + 1
    rising = [_depth(shapes, f"{UNET}output_blocks.{i}.") for i in range(size * len(down))]
    up = [rising[i : i + size] for i in range(0, len(rising), size)]
    middle = _depth(shapes, f"{UNET}middle_block.")
    # diffusers takes the middle's depth from the last level, also where that has no transformers of its own.
    read = down if any(down[-1]) else [*down[:-1], [middle]]
    attention = next((key for key in shapes if key.startswith(UNET) and key.endswith(".attn2.to_k.weight")), "none")
    projection = f"{attention.partition('transformer_blocks')[0]}proj_in.weight"
    vector = shapes[VECTOR][1] if VECTOR in shapes else None
    return {
        "in_channels": shapes[f"{UNET}input_blocks.0.0.weight"][1],
        "out_channels": shapes[f"{UNET}out.2.weight"][0],
        "block_out_channels": channels,
        "layers_per_block": size - 1,
        "down_block_types": ["CrossAttnDownBlock2D" if any(level) else "DownBlock2D" for level in down],
        "up_block_types": ["CrossAttnUpBlock2D" if any(level) else "UpBlock2D" for level in up],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "transformer_layers_per_block": [[max(depth, 1) for depth in level] for level in read],
        "reverse_transformer_layers_per_block": [[max(depth, 1) for depth in level] for level in up],
        "cross_attention_dim": shapes[attention][1],
        "attention_head_dim": [facts.heads_for(width) for width in channels],
        "use_linear_projection": len(shapes[projection]) == 2,
        "class_embed_type": "projection" if vector else None,
        "projection_class_embeddings_input_dim": vector,
    }


def falling(shapes: Shapes) -> tuple[list[int], list[list[int]]]:
    """Of the UNet's levels, from the finest: their channels, and how deep the transformers of their blocks are."""
    channels: list[int] = [shapes[f"{UNET}input_blocks.0.0.weight"][0]]
    depths: list[list[int]] = [[]]
    for i in range(1, _count(shapes, rf"{re.escape(UNET)}input_blocks\.(\d+)\.")):
        block = f"{UNET}input_blocks.{i}."
        if f"{block}0.op.weight" in shapes:
            channels.append(channels[-1])
            depths.append([])
        else:
            channels[-1] = shapes[f"{block}0.in_layers.2.weight"][0]
            depths[-1].append(_depth(shapes, block))
    return channels, depths


def _depth(shapes: Shapes, block: str) -> int:
    """Transformer blocks in a block of the UNet; 0 where it has no attention."""
    return _count(shapes, rf"{re.escape(block)}1\.transformer_blocks\.(\d+)\.")


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """Arguments of diffusers' AutoencoderKL. Raises ModelFileError, naming a tensor that is missing."""
    shapes = Complete(shapes)
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
    shapes = Complete(shapes)
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


class Complete(dict[str, tuple[int, ...]]):
    """Shapes; a tensor that is missing raises ModelFileError."""

    def __missing__(self, name: str) -> tuple[int, ...]:
        raise ModelFileError(f"it lacks {name}. Download it again.")


def text_widths(shapes: Shapes) -> tuple[int, ...]:
    """Numbers of a token in each of a checkpoint's text encoders, in their order."""
    return tuple(shapes[name][1] for name in sorted(shapes) if name.endswith("token_embedding.weight"))


def _count(shapes: Shapes, pattern: str) -> int:
    """Numbers in `pattern`'s group run from 0; how many there are."""
    found = (match for key in shapes if (match := re.match(pattern, key)))
    return 1 + max((int(match[1]) for match in found), default=-1)
