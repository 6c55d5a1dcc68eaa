"""What a file is that no family takes, in words for its owner."""

from __future__ import annotations

from collections.abc import Mapping

_MARKS = {
    "embedder.model.": "Stable Diffusion 2 unCLIP",
    "double_blocks.": "Flux",
    "model.diffusion_model.joint_blocks.": "Stable Diffusion 3",
}
_DRAWS = "draws with Stable Diffusion 1.x, 2.x and XL, their inpainting variants and InstructPix2Pix."


def kind_of(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """One sentence: what it is and what to do."""
    if any(key.startswith("lora_") or ".lora_" in key for key in shapes):
        return "It is a LoRA and no checkpoint; LoRAs belong into models/Lora, a later version uses them."
    name = next((name for mark, name in _MARKS.items() if any(mark in key for key in shapes)), None)
    if name:
        return f"It is a {name} checkpoint; this version of sdui {_DRAWS}"
    return f"It is no checkpoint that sdui knows; this version {_DRAWS}"
