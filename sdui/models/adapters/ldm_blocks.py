"""The numbering of latent diffusion's UNet for the modules of diffusers' UNet2DConditionModel.

Latent diffusion counts every residual block, and every layer that halves or doubles the size, in one row
(`input_blocks`, `output_blocks`); diffusers has levels. The numbers follow from the network itself, so pruned ones such
as SSD-1B have theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_ENDS = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
_IN_RESNETS = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def ldm_prefixes(unet: Any) -> dict[str, str]:
    """Latent diffusion's name of each block, by diffusers'; what is inside attention has the same names in both."""
    return dict(_prefixes(unet))


def _prefixes(unet: Any) -> Iterator[tuple[str, str]]:
    yield from _ENDS.items()
    number = 1
    for level, block in enumerate(unet.down_blocks):
        for i in range(len(block.resnets)):
            yield from _block(f"down_blocks.{level}", block, i, f"input_blocks.{number}", 0)
            number += 1
        if block.downsamplers:
            yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{number}.0.op"
            number += 1
    for i in range(len(unet.mid_block.resnets)):
        yield from _block("mid_block", unet.mid_block, i, "middle_block", 2 * i)
    number = 0
    for level, block in enumerate(unet.up_blocks):
        for i in range(len(block.resnets)):
            yield from _block(f"up_blocks.{level}", block, i, f"output_blocks.{number}", 0)
            number += 1
        if block.upsamplers:
            place = 2 if _attentions(block) else 1
            yield f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{number - 1}.{place}.conv"


def _block(name: str, block: Any, i: int, ldm: str, place: int) -> Iterator[tuple[str, str]]:
    """A residual block at `place` and, right after it, the attention of the same number."""
    for own, theirs in _IN_RESNETS.items():
        yield f"{name}.resnets.{i}.{own}", f"{ldm}.{place}.{theirs}"
    if i < len(_attentions(block)):
        yield f"{name}.attentions.{i}", f"{ldm}.{place + 1}"


def _attentions(block: Any) -> Any:
    return getattr(block, "attentions", None) or ()
