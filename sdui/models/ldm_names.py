"""Where a tensor of diffusers' networks is found in a single-file checkpoint, with latent diffusion's names.

Both name the same tensors; the two vary only in how they count blocks. Names here are without prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_TOP = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "class_embedding.linear_1.": "label_emb.0.0.",
    "class_embedding.linear_2.": "label_emb.0.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
}
_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "time_emb_proj.": "emb_layers.1.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "conv_shortcut.": "skip_connection.",
}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")
_VAE_RESNET = {"conv_shortcut.": "nin_shortcut."}
_VAE_ATTENTION = {
    "group_norm.": "norm.",
    "to_q.": "q.",
    "to_k.": "k.",
    "to_v.": "v.",
    "to_out.0.": "proj_out.",
    "query.": "q.",
    "key.": "k.",
    "value.": "v.",
    "proj_attn.": "proj_out.",
}


def unet_names(names: Iterable[str]) -> dict[str, str]:
    """All names of a UNet2DConditionModel -> those in the checkpoint; what has no place there keeps its name."""
    all_names = list(names)
    blocks = [match for name in all_names if (match := _BLOCK.match(name))]
    # Every level has as many residual blocks, and one thing to halve its size.
    per_level = 2 + max((int(m[4]) for m in blocks if m[1] == "down" and m[3] == "resnets"), default=0)
    attending = {m[2] for m in blocks if m[1] == "up" and m[3] == "attentions"}
    return {name: _unet_name(name, per_level, attending) for name in all_names}


def _unet_name(name: str, per_level: int, attending: set[str]) -> str:
    if match := _BLOCK.match(name):
        way, level, kind, index, rest = match.groups()
        at = per_level * int(level) + int(index)
        if kind == "downsamplers":
            return f"input_blocks.{at + per_level}.0.op.{rest.removeprefix('conv.')}"
        if kind == "upsamplers":
            return f"output_blocks.{at + per_level - 1}.{2 if level in attending else 1}.{rest}"
        block = f"input_blocks.{at + 1}" if way == "down" else f"output_blocks.{at}"
        return f"{block}.1.{rest}" if kind == "attentions" else f"{block}.0.{_renamed(rest, _RESNET)}"
    if match := _MIDDLE.match(name):
        kind, index, rest = match.groups()
        if kind == "attentions":
            return f"middle_block.{2 * int(index) + 1}.{rest}"
        return f"middle_block.{2 * int(index)}.{_renamed(rest, _RESNET)}"
    return _renamed(name, _TOP)


def vae_names(names: Iterable[str]) -> dict[str, str]:
    """All names of an AutoencoderKL -> those in the checkpoint, where its linear layers are convolutions of 1x1."""
    all_names = list(names)
    levels = 1 + max((int(m[2]) for name in all_names if (m := _BLOCK.search(name))), default=0)
    return {name: _vae_name(name, levels) for name in all_names}


def _vae_name(name: str, levels: int) -> str:
    coder, _, inner = name.partition(".")
    if match := _BLOCK.match(inner):
        way, level, kind, index, rest = match.groups()
        # The decoder's levels are counted from the picture, as the encoder's are.
        number = int(level) if way == "down" else levels - 1 - int(level)
        if kind == "resnets":
            return f"{coder}.{way}.{number}.block.{index}.{_renamed(rest, _VAE_RESNET)}"
        return f"{coder}.{way}.{number}.{kind.removesuffix('rs')}.{rest}"
    if match := _MIDDLE.match(inner):
        kind, index, rest = match.groups()
        if kind == "attentions":
            return f"{coder}.mid.attn_{int(index) + 1}.{_renamed(rest, _VAE_ATTENTION)}"
        return f"{coder}.mid.block_{int(index) + 1}.{_renamed(rest, _VAE_RESNET)}"
    if inner.startswith("conv_norm_out."):
        return f"{coder}.norm_out.{inner.removeprefix('conv_norm_out.')}"
    return name


def _renamed(name: str, table: Mapping[str, str]) -> str:
    for begin, other in table.items():
        if name.startswith(begin):
            return other + name.removeprefix(begin)
    return name
