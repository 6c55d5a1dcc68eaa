"""MiDaS' hybrid depth network (Ranftl et al. 2021, arXiv:2103.13413), as checkpoints that draw by depth carry it.

It is transformers' DPT around a BiT, with sizes read from the shapes; the names in the file are those of MiDaS' code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from transformers.models.dpt.configuration_dpt import DPTConfig
from transformers.models.dpt.modeling_dpt import DPTForDepthEstimation

from sdui.core.errors import ModelFileError

from .ldm import DEPTH
from .weights import Weights

_PATCH = 16
_MULTIPLE = 32
_LEVELS = 4
_NAMES = (
    (r"pretrained\.model\.patch_embed\.backbone\.stem\.conv", "dpt.embeddings.backbone.bit.embedder.convolution"),
    (r"pretrained\.model\.patch_embed\.backbone\.stem\.norm", "dpt.embeddings.backbone.bit.embedder.norm"),
    (
        r"pretrained\.model\.patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)",
        r"dpt.embeddings.backbone.bit.encoder.stages.\1.layers.\2",
    ),
    (r"pretrained\.model\.patch_embed\.proj", "dpt.embeddings.projection"),
    (r"pretrained\.model\.cls_token", "dpt.embeddings.cls_token"),
    (r"pretrained\.model\.pos_embed", "dpt.embeddings.position_embeddings"),
    (r"pretrained\.model\.norm", "dpt.layernorm"),
    (r"pretrained\.model\.blocks\.(\d+)\.norm1", r"dpt.encoder.layer.\1.layernorm_before"),
    (r"pretrained\.model\.blocks\.(\d+)\.norm2", r"dpt.encoder.layer.\1.layernorm_after"),
    (r"pretrained\.model\.blocks\.(\d+)\.attn\.proj", r"dpt.encoder.layer.\1.attention.output.dense"),
    (r"pretrained\.model\.blocks\.(\d+)\.mlp\.fc1", r"dpt.encoder.layer.\1.intermediate.dense"),
    (r"pretrained\.model\.blocks\.(\d+)\.mlp\.fc2", r"dpt.encoder.layer.\1.output.dense"),
    (r"pretrained\.act_postprocess(\d)\.0\.project\.0", r"neck.reassemble_stage.readout_projects.{-1}.0"),
    (r"pretrained\.act_postprocess(\d)\.3", r"neck.reassemble_stage.layers.{-1}.projection"),
    (r"pretrained\.act_postprocess(\d)\.4", r"neck.reassemble_stage.layers.{-1}.resize"),
    (r"scratch\.layer(\d)_rn", r"neck.convs.{-1}"),
    (r"scratch\.refinenet(\d)\.out_conv", r"neck.fusion_stage.layers.{4-}.projection"),
    (
        r"scratch\.refinenet(\d)\.resConfUnit(\d)\.conv(\d)",
        r"neck.fusion_stage.layers.{4-}.residual_layer\2.convolution\3",
    ),
    (r"scratch\.output_conv\.", "head.head."),
)
"""From MiDaS' names to transformers'; {-1} is the first number less one, {4-} what it lacks of four."""
_QKV = re.compile(r"pretrained\.model\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)")


class Midas:
    """Pictures -> how near each point is, in no unit."""

    def __init__(self, weights: Weights, device: torch.device) -> None:
        """In float32: halves of floats step visibly in smooth distances. Raises ModelFileError."""
        own = {key.removeprefix(DEPTH): tensor for key, tensor in weights.read(DEPTH, device, torch.float32).items()}
        config = DPTConfig(**_config({key: tuple(tensor.shape) for key, tensor in own.items()}))
        with torch.device("meta"):
            network: Any = DPTForDepthEstimation(config)
        try:
            network.load_state_dict(_renamed(own), strict=True, assign=True)
        except RuntimeError as error:
            raise ModelFileError(f"its depth network is incomplete or of another kind. {str(error)[:300]}") from error
        module: nn.Module = network.eval().requires_grad_(False)
        self.network: Any = module
        layers = len(network.dpt.encoder.layer)
        self._heard = (layers * 3 // 4, layers)
        """After how many layers of the transformer its state is used; the earlier two come from the BiT."""

    def __call__(self, images: Tensor) -> Tensor:
        """[B,3,H,W] in 0..1 -> [B,1,h,w] float32, larger is nearer; h and w are multiples of 32 about H and W's ratio.

        transformers' own call takes squares alone.
        """
        dpt, side = self.network.dpt, self.network.config.image_size
        pixels = _resized(images.to(dpt.layernorm.weight), side) * 2 - 1
        embedded = dpt.embeddings(pixels, interpolate_pos_encoding=True)
        states, hidden = list(embedded.intermediate_activations), embedded.last_hidden_states
        for number, layer in enumerate(dpt.encoder.layer, 1):
            hidden = layer(hidden)
            if number in self._heard:
                states.append(hidden)
        rows, columns = pixels.shape[2] // _PATCH, pixels.shape[3] // _PATCH
        return self.network.head(self.network.neck(states, rows, columns))[:, None]


def _resized(images: Tensor, side: int) -> Tensor:
    """The side whose length is nearer to `side` takes it, the other follows; both are rounded to multiples of 32."""
    height, width = images.shape[-2:]
    scale = side / (width if abs(1 - side / width) < abs(1 - side / height) else height)
    size = [max(1, round(scale * length / _MULTIPLE)) * _MULTIPLE for length in (height, width)]
    return interpolate(images, size=size, mode="bicubic", align_corners=False)


def _config(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Arguments of transformers' DPTConfig. Raises KeyError."""
    vit, bit = "pretrained.model.", "pretrained.model.patch_embed.backbone."
    depths = [_count(shapes, rf"{re.escape(bit)}stages\.{stage}\.blocks\.(\d+)\.") for stage in range(3)]
    widths = [shapes[f"{bit}stages.{stage}.blocks.0.conv3.weight"][0] for stage in range(3)]
    _, positions, width = shapes[f"{vit}pos_embed"]
    side = round((positions - 1) ** 0.5)
    backbone = {
        "model_type": "bit",
        "embedding_size": shapes[f"{bit}stem.conv.weight"][0],
        "hidden_sizes": widths,
        "depths": depths,
        "layer_type": "bottleneck",
        "global_padding": "same",
        "embedding_dynamic_padding": True,
        "out_features": ["stage1", "stage2", "stage3"],
    }
    return {
        "is_hybrid": True,
        "backbone_config": backbone,
        "backbone_featmap_shape": [1, widths[-1], side, side],
        "hidden_size": width,
        "num_hidden_layers": _count(shapes, rf"{re.escape(vit)}blocks\.(\d+)\."),
        "num_attention_heads": max(1, width // 64),
        "intermediate_size": shapes[f"{vit}blocks.0.mlp.fc1.weight"][0],
        "layer_norm_eps": 1e-6,
        "image_size": side * _PATCH,
        "patch_size": _PATCH,
        "reassemble_factors": [1, 1, 1, 0.5],
        "neck_hidden_sizes": [shapes[f"scratch.layer{level}_rn.weight"][1] for level in range(1, _LEVELS + 1)],
        "fusion_hidden_size": shapes["scratch.layer1_rn.weight"][0],
    }


def _count(shapes: Mapping[str, tuple[int, ...]], pattern: str) -> int:
    return len({match[1] for key in shapes if (match := re.match(pattern, key))})


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under transformers' names; the classifier that its transformer was trained with is left out."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        if match := _QKV.fullmatch(key):
            attention = f"dpt.encoder.layer.{match[1]}.attention.attention."
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            renamed |= {f"{attention}{name}.{match[2]}": part for name, part in parts}
        elif not key.startswith("pretrained.model.head."):
            renamed[_name(key)] = tensor
    return renamed


def _name(key: str) -> str:
    for pattern, name in _NAMES:
        if match := re.match(pattern, key):
            number = int(match[1]) if match.groups() else 0
            start = match.expand(name.replace("{-1}", str(number - 1)).replace("{4-}", str(_LEVELS - number)))
            return start + key[match.end() :]
    return key
