"""The metadata of a merged checkpoint, as A1111 writes it: from what and how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from sdui.core.merging import CONFIG_SOURCES, MergeRequest

from .files import ModelFiles
from .hashes import autov1_of
from .merge_inputs import Inputs
from .merge_plan import Plan

_THUMBNAIL = "modelspec.thumbnail"
"""Shows what another checkpoint draws."""


def metadata_of(request: MergeRequest, inputs: Inputs, plan: Plan, files: ModelFiles) -> dict[str, str]:
    """Copied, then the user's own, then the recipe. Reads every model once where its hash is not known yet."""
    metadata: dict[str, str] = {}
    if request.copy_metadata:
        for model in inputs.models:
            metadata |= {key: value for key, value in model.metadata.items() if key != _THUMBNAIL}
    metadata |= request.metadata | {"format": "pt"}
    if request.add_merge_recipe:
        hashes = [files.sha256(file) for file in inputs.files]
        metadata["sd_merge_recipe"] = json.dumps(_recipe(request, plan, hashes))
        metadata["sd_merge_models"] = json.dumps(_models(inputs, hashes))
    return metadata


def _recipe(request: MergeRequest, plan: Plan, hashes: list[str]) -> dict[str, Any]:
    primary, secondary, tertiary = (*hashes, None, None)[:3]
    return {
        "type": "webui",
        "primary_model_hash": primary,
        "secondary_model_hash": secondary,
        "tertiary_model_hash": tertiary,
        "interp_method": request.method,
        "multiplier": request.multiplier,
        "save_as_half": request.half,
        "custom_name": request.output,
        "config_source": CONFIG_SOURCES.index(request.config_source),
        "bake_in_vae": request.bake_in_vae or "None",
        "discard_weights": request.discard_weights,
        "is_inpainting": plan.kind == ".inpainting",
        "is_instruct_pix2pix": plan.kind == ".instruct-pix2pix",
    }


def _models(inputs: Inputs, hashes: list[str]) -> dict[str, Any]:
    """By SHA-256: every model that went in, and those that had gone into it."""
    models: dict[str, Any] = {}
    for file, reader, sha256 in zip(inputs.files, inputs.models, hashes, strict=True):
        models[sha256] = {
            "name": file.title_path,
            "legacy_hash": autov1_of(file.path),
            "sd_merge_recipe": _object(reader.metadata, "sd_merge_recipe"),
        }
        models |= _object(reader.metadata, "sd_merge_models") or {}
    return models


def _object(metadata: Mapping[str, str], key: str) -> dict[str, Any] | None:
    """None for what is missing or no JSON object: other programs write there too."""
    try:
        value = json.loads(metadata.get(key, ""))
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
