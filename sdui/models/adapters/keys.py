"""What a key in an adapter file says: which layer it is about, and which part of that layer's change it holds.

Trainers disagree about both. kohya-ss and LyCORIS write `lora_unet_down_blocks_0_….lora_down.weight`, diffusers
`unet.down_blocks.0.….to_q.lora.down.weight` and, before that, `….processor.to_q_lora.down.weight`, PEFT
`base_model.model.down_blocks.0.….to_q.lora_A.weight`. Parts are told apart here and given LyCORIS' names.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BUNDLED = "bundle_emb."
"""Begins the keys of textual inversion embeddings that come with a LoRA."""

_PARTS = re.compile(
    r"""(?P<layer>.+?)\.(?:processor\.)?(?P<part>
        (?:to_(?:q|k|v|out)_)?lora(?:_linear_layer)?\.(?:down|up)\.weight
      | lora_(?:down|up|mid)\.weight
      | lora_[AB](?:\.(?!weight)\w+)?\.weight
      | lora_magnitude_vector(?:\.\w+)?(?:\.weight)?
      | hada_(?:w[12]_[ab]|t[12]) | lokr_(?:w[12](?:_[ab])?|t2)
      | oft_blocks | oft_diag | rescale | [ab][12]\.weight | on_input | w_norm | b_norm | diff | diff_b
      | alpha | scale | dora_scale | bias | bias_indices | bias_values | bias_size | weight
    )""",
    re.VERBOSE,
)
_OLD_ATTENTION = re.compile(r"to_(q|k|v|out)_lora\.(down|up)\.weight")
_SAME = {
    "lora.down.weight": "lora_down.weight",
    "lora.up.weight": "lora_up.weight",
    "lora_linear_layer.down.weight": "lora_down.weight",
    "lora_linear_layer.up.weight": "lora_up.weight",
    "lora_A": "lora_down.weight",
    "lora_B": "lora_up.weight",
    "lora_magnitude_vector": "dora_scale",
}


class Key(NamedTuple):
    layer: str
    """As the file spells it."""
    part: str


def parse_key(key: str) -> Key | None:
    """None for a key of no part that is known."""
    found = _PARTS.fullmatch(key)
    if found is None:
        return None
    layer, part = found["layer"], found["part"]
    if old := _OLD_ATTENTION.fullmatch(part):
        return Key(f"{layer}.{_projection(layer, old[1])}", f"lora_{old[2]}.weight")
    return Key(layer, _SAME.get(part) or _SAME.get(part.split(".")[0], part))


def _projection(attention: str, name: str) -> str:
    """diffusers once named the layers of both networks alike."""
    if attention.endswith("self_attn"):
        return f"{name}_proj"
    return "to_out.0" if name == "out" else f"to_{name}"
