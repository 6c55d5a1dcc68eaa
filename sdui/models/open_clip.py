"""OpenCLIP's text encoder (https://github.com/mlfoundations/open_clip) under transformers' names for CLIP."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

NAMES = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
LAYER = "transformer.resblocks."
LAYER_NAMES = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_STACKED = "attn.in_proj"
"""Query, key and value, one above the other."""


def clip_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the encoder; what only serves to compare texts with pictures (projection, scale) is left out."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        if key.startswith(LAYER):
            renamed |= _in_layer(key.removeprefix(LAYER), tensor)
        elif key in NAMES:
            renamed[NAMES[key]] = tensor
    return renamed


def _in_layer(key: str, tensor: Tensor) -> dict[str, Tensor]:
    """`key` is like 3.attn.in_proj_weight or 3.mlp.c_fc.bias."""
    number, _, rest = key.partition(".")
    layer = f"encoder.layers.{number}."
    if rest.startswith(_STACKED):
        kind = rest.removeprefix(f"{_STACKED}_")
        parts = zip("qkv", tensor.chunk(3), strict=True)
        return {f"{layer}self_attn.{name}_proj.{kind}": part for name, part in parts}
    module, _, kind = rest.rpartition(".")
    return {f"{layer}{LAYER_NAMES.get(module, module)}.{kind}": tensor}
