"""What A1111's paste button makes of an infotext, for extensions and API clients that expect exactly that."""

from __future__ import annotations

import functools
import re
from typing import Any

from . import old_files
from .pairs import NEGATIVE, PROMPT, take_apart, unquote
from .params import declared
from .request import GenerationRequest

Setting = tuple[str, str, Any]
"""Infotext key, option name, value."""

_SIZE = re.compile(r"(\d{1,4000})x(\d{1,4000})$")
_LENGTH = re.compile(r"\d{1,9}")
_UNSAID: dict[str, Any] = {
    "Hires sampler": "Use same sampler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Emphasis": "Original",
}
"""What a key's absence means."""

_OPTIONS = """
    face_restoration emphasis CLIP_stop_at_last_layers randn_source tiling hires_fix_refiner_pass sd_vae
    sd_vae_encode_method sd_vae_decode_method inpainting_mask_weight initial_noise_multiplier img2img_extra_noise
    token_merging_ratio token_merging_ratio_hr pad_cond_uncond pad_cond_uncond_v0 use_old_scheduling
    use_downcasted_alpha_bar eta_ddim eta_ancestral s_churn s_tmin s_tmax s_noise k_sched_type sigma_min sigma_max rho
    eta_noise_seed_delta always_discard_next_to_last_sigma sgm_noise_multiplier uni_pc_variant uni_pc_skip_type
    uni_pc_order uni_pc_lower_order_final sd_noise_schedule
"""
"""The options that an infotext can set, in the order of A1111's settings."""
_FOREIGN: dict[str, tuple[str, Any]] = {
    "face_restoration": ("Face restoration", False),
    "sd_vae_encode_method": ("VAE Encoder", "Full"),
    "sd_vae_decode_method": ("VAE Decoder", "Full"),
    "k_sched_type": ("Schedule type", "Automatic"),
    # Misspelt there, so that the key which is written sets nothing.
    "sgm_noise_multiplier": ("SGM noise multplier", False),
}
"""Key and default of those that are no parameters here or go by another key."""


def parse(text: str) -> dict[str, Any]:
    """Keys and values, "Size" as "Size-1" and "Size-2", with what a missing key means; as in A1111 1.7's last weeks."""
    prompt, negative, pairs = take_apart(text)
    found: dict[str, Any] = {PROMPT: prompt, NEGATIVE: negative}
    for key, value in pairs:
        unquoted = unquote(value)
        if size := _SIZE.match(unquoted):
            found[f"{key}-1"], found[f"{key}-2"] = size.groups()
        elif value:
            found[key] = unquoted
    found.setdefault("Clip skip", "1")
    if hypernet := found.get("Hypernet"):
        found[PROMPT] += f"<hypernet:{hypernet}:{found.get('Hypernet strength', '1.0')}>"
    if "Hires resize-1" not in found:
        found["Hires resize-1"] = found["Hires resize-2"] = 0
    found = _UNSAID | found
    _restore_first_pass(found)
    if found.setdefault("FP8 weight", "Disable") != "Disable":
        found.setdefault("Cache FP16 weight for LoRA", False)
    made_by = old_files.version(found.get("Version"))
    return found | old_files.options(made_by, found[PROMPT], found.get("Sampler", ""))


def override_settings(found: dict[str, Any]) -> list[Setting]:
    """The options that `parse`'s result sets to something other than their defaults."""
    settings: list[Setting] = []
    for name, (key, default) in _options().items():
        if key in found and (value := _cast(found[key], default)) not in (None, default):
            settings.append((key, name, value))
    return settings


@functools.cache
def _options() -> dict[str, tuple[str, Any]]:
    """Key and default by option name."""
    ours = {d.name: (d.param.infotext, d.field.default) for d in declared(GenerationRequest)}
    return {name: _FOREIGN.get(name) or ours[name] for name in _OPTIONS.split()}


def _cast(value: Any, default: Any) -> Any:
    """`value` as of the default's type; any text but "False" is true. None where it is no such thing."""
    if isinstance(default, bool):
        return bool(value) and value != "False"
    try:
        return type(default)(value)
    except ValueError:
        return None


def _restore_first_pass(found: dict[str, Any]) -> None:
    """Old files name the target as the size and the first pass apart."""
    if "First pass size-1" in found:
        first = _pixels(found, "First pass size-1", 0), _pixels(found, "First pass size-2", 0)
        target = _pixels(found, "Size-1", 512), _pixels(found, "Size-2", 512)
        found["Hires resize-1"], found["Hires resize-2"] = target
        found["Size-1"], found["Size-2"] = first if all(first) else old_files.first_pass_size(*target)


def _pixels(found: dict[str, Any], key: str, default: int) -> int:
    """The default for what is no length, as a text written by hand may have it."""
    text = str(found.get(key, default))
    return int(text) if _LENGTH.fullmatch(text) else default
