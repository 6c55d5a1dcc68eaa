"""What a file is that no family takes, in words for its owner."""

from __future__ import annotations

from collections.abc import Mapping

from sdui.models import ldm

_MARKS = {
    "conditioner.embedders.": "Stable Diffusion XL",
    "cond_stage_model.model.": "Stable Diffusion 2.x",
    "double_blocks.": "Flux",
    "model.diffusion_model.joint_blocks.": "Stable Diffusion 3",
}
_INPUTS = {8: "InstructPix2Pix", 9: "Stable Diffusion inpainting"}


def kind_of(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """One sentence: what it is and what to do."""
    if any(key.startswith("lora_") or ".lora_" in key for key in shapes):
        return "It is a LoRA and no checkpoint; LoRAs belong into models/Lora, a later version uses them."
    known = (name for mark, name in _MARKS.items() if any(mark in key for key in shapes))
    first = shapes.get(f"{ldm.UNET}input_blocks.0.0.weight", (0, 0))
    name = next(known, None) or _INPUTS.get(first[1])
    if name:
        return f"It is a {name} checkpoint; this version of sdui draws with Stable Diffusion 1.x."
    return "It is no checkpoint that sdui knows; this version draws with Stable Diffusion 1.x."
