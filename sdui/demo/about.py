"""What the file itself says of the checkpoint: the page shows it, and offers its size and its prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from .scenes import NATIVE

TRAINING = "sdui.training"
"""How it was made, a line for each part."""
_EXAMPLES = (
    "a red apple, 3d style",
    "a cat on a blue background, flat style",
    "a house, 3d style",
    "a panda, icon style",
    "a rocket on a yellow background",
    "a blue robot, flat style",
)


def metadata(training: Sequence[str]) -> Mapping[str, str]:
    """Of the safetensors file; names after https://github.com/Stability-AI/ModelSpec."""
    return {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
        "modelspec.title": "sdui demo",
        "modelspec.author": "the sdui authors",
        "modelspec.description": "A small latent diffusion model trained from nothing on emoji.",
        "modelspec.license": "MIT (artwork: Microsoft Fluent Emoji, MIT)",
        "modelspec.resolution": f"{NATIVE}x{NATIVE}",
        "modelspec.prediction_type": "epsilon",
        "modelspec.tags": "emoji, demo, tiny",
        "modelspec.usage_hint": "a [colour] OBJECT [on a COLOUR background][, 3d | flat | icon style]; CFG 3 to 6",
        "sdui.example_prompts": json.dumps(_EXAMPLES),
        TRAINING: "\n".join(training),
    }
