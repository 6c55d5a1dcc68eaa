"""`info` in the answer of txt2img and img2img: what A1111 says of the pictures, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sdui.core import infotext
from sdui.core.events import ImageSaved
from sdui.core.request import GenerationRequest
from sdui.jobs.job import View

_BASE = frozenset(
    (
        *("Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Seed", "Face restoration", "Size"),
        *("Model hash", "Model", "FP8 weight", "VAE hash", "VAE", "Variation seed", "Variation seed strength"),
        *("Seed resize from", "Conditional mask weight", "Clip skip", "ENSD", "Token merging ratio"),
        *("Token merging ratio hr", "Init image hash", "RNG", "NGMS", "Tiling", "Version", "User"),
    )
)
"""Keys of an infotext that A1111 has fields for, or leaves out of `extra_generation_params`."""


def info(view: View, request: GenerationRequest, warnings: Sequence[str]) -> str:
    """request: what was asked for, which stands where nothing was drawn."""
    shown = [one for one in view.gallery if isinstance(one, ImageSaved)]
    drawn = [one for one in shown if one.kind == "image"] or shown
    first = drawn[0].request if drawn else request
    pairs = infotext.parse(drawn[0].infotext).pairs if drawn else {}
    requests = [one.request for one in drawn] or [request]
    said: dict[str, Any] = {
        "prompt": first.prompt,
        "all_prompts": [one.prompt for one in requests],
        "negative_prompt": first.negative_prompt,
        "all_negative_prompts": [one.negative_prompt for one in requests],
        "seed": first.seed,
        "all_seeds": [one.seed for one in requests],
        "subseed": first.subseed,
        "all_subseeds": [one.subseed for one in requests],
        "subseed_strength": first.subseed_strength,
        "width": first.width,
        "height": first.height,
        "sampler_name": first.sampler,
        "cfg_scale": first.cfg_scale,
        "steps": first.steps,
        "batch_size": request.batch_size,
        "restore_faces": "Face restoration" in pairs,
        "face_restoration_model": pairs.get("Face restoration"),
        "sd_model_name": first.model,
        "sd_model_hash": first.model_hash,
        "sd_vae_name": pairs.get("VAE"),
        "sd_vae_hash": pairs.get("VAE hash"),
        "seed_resize_from_w": first.seed_resize_from_w or -1,
        "seed_resize_from_h": first.seed_resize_from_h or -1,
        "denoising_strength": _denoising_strength(first),
        "extra_generation_params": {key: _number(value) for key, value in pairs.items() if key not in _BASE},
        "index_of_first_image": next((place for place, one in enumerate(shown) if one.kind == "image"), 0),
        "infotexts": [one.infotext for one in shown],
        "styles": list(request.styles),
        "job_timestamp": datetime.now().strftime("%Y%m%d%H%M%S"),
        "clip_skip": first.clip_skip,
        "is_using_inpainting_conditioning": "Conditional mask weight" in pairs,
        "version": pairs.get("Version", ""),
    }
    told = [*warnings, *view.notices]
    return json.dumps(said | ({"warnings": told} if told else {}))


def _denoising_strength(request: GenerationRequest) -> float | None:
    stage = request.init or request.hires
    return stage.denoising_strength if stage else None


def _number(text: str) -> Any:
    """A1111 has numbers here."""
    try:
        return json.loads(text) if text[:1] in "-0123456789tf" else text
    except ValueError:
        return {"True": True, "False": False}.get(text, text)
