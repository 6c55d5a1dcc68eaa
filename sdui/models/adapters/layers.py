"""Every name under which adapter files know the layers of a checkpoint's networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from sdui.models.open_clip import LAYER_NAMES

from .ldm_blocks import ldm_prefixes

Layer = tuple[str, ...]
"""Paths of the modules, as `unet.conv_in`; more than one where the file has one tensor for what are several here."""
UNET = "unet"
TEXTS = ("te0", "te1")
"""The text encoders in the checkpoint's order: SDXL's second is OpenCLIP's."""

_PREFIXES: dict[str, tuple[str, ...]] = {
    "lora_unet_": (UNET,),
    "oft_unet_": (UNET,),
    "unet_": (UNET,),
    "model_diffusion_model_": (UNET,),
    "diffusion_model_": (UNET,),
    "lora_te_": ("te",),
    "lora_te1_": ("te0",),
    "lora_te2_": ("te1",),
    "text_encoder_2_": ("te1",),
    "text_encoder_": ("te0",),
    "text_encoders_clip_l_transformer_": ("te0",),
    "text_encoders_clip_g_transformer_": ("te1",),
    "clip_l_transformer_": ("te0",),
    "clip_g_transformer_": ("te1",),
    "conditioner_embedders_0_transformer_": ("te0",),
    "conditioner_embedders_1_model_": ("te1",),
    "cond_stage_model_transformer_": ("te",),
    "cond_stage_model_model_": ("te",),
    "lycoris_": (),
    "base_model_model_": (),
    "model_": (),
    "text_model_": (),
}
"""What names begin with, dots written as underscores, and which networks they then speak of: "te" is the text encoder
of a checkpoint that has one, () says nothing. Several may follow each other."""


class Layers:
    """Finds a layer by any of its names."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        """networks: `unet`, diffusers' UNet2DConditionModel, and `te0`, `te1`, transformers' CLIPTextModels."""
        self._networks = networks
        self._tables = {name: dict(_names(name, network)) for name, network in networks.items()}

    def find(self, name: str) -> Layer | None:
        """None where this checkpoint has no such layer."""
        asked: tuple[str, ...] = ()
        name = name.replace(".", "_")
        while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None):
            name = name.removeprefix(prefix)
            asked = asked or _PREFIXES[prefix]
        if asked == ("te",):
            asked = () if "te1" in self._networks else ("te0",)
            if not asked:
                return None
        tables = (self._tables[network] for network in asked or self._tables if network in self._tables)
        return next((table[name] for table in tables if name in table), None)


def _names(network: str, root: Any) -> Iterator[tuple[str, Layer]]:
    """Dots as underscores, as most files have them: names are still unique."""
    others = ldm_prefixes(root) if network == UNET else {}
    for path, module in root.named_modules():
        if getattr(module, "weight", None) is None:
            continue
        own = path.removeprefix("text_model.")
        for name in (own, *_in_ldm(own, others), *_in_open_clip(own)):
            yield name.replace(".", "_"), (f"{network}.{path}",)
        if own.endswith("self_attn.q_proj"):
            stacked = path.removesuffix("q_proj")
            name = f"transformer.resblocks.{own.split('.')[2]}.attn.in_proj"
            yield name.replace(".", "_"), tuple(f"{network}.{stacked}{one}_proj" for one in "qkv")


def _in_ldm(path: str, others: Mapping[str, str]) -> Iterator[str]:
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        if ldm := others.get(".".join(parts[:end])):
            yield ".".join((ldm, *parts[end:]))


def _in_open_clip(path: str) -> Iterator[str]:
    """OpenCLIP's own names, in which its query, key and value are one; kohya tells them apart all the same."""
    if not path.startswith("encoder.layers."):
        return
    _, _, number, rest = path.split(".", 3)
    for theirs, own in LAYER_NAMES.items():
        if rest == own:
            yield f"transformer.resblocks.{number}.{theirs}"
    if rest.startswith("self_attn."):
        yield f"transformer.resblocks.{number}.{rest.replace('self_attn', 'attn')}"
    if rest.startswith("mlp."):
        yield f"transformer.resblocks.{number}.{rest}"
