"""What a file in the checkpoint folder is that no family takes, in words for its owner."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdui.models import ldm

from . import families

_ADAPTERS = (
    (r"lora_(unet|te\d?|transformer)_|.*\.lora_(A|B|up|down)\b", "a LoRA", "models/Lora"),
    (r".*\.(hada_w1|lokr_w1|oft_|boft_)", "a LoRA", "models/Lora"),
    (r"(string_to_param\.|emb_params$|clip_[lg]$|<[^>]+>$)", "a textual inversion embedding", "embeddings"),
    (r"\d+\.[01]\.linear\d?\.", "a hypernetwork", "models/hypernetworks"),
    (r"(control_model\.|controlnet_cond_embedding\.|input_hint_block\.)", "a ControlNet", "models/ControlNet"),
    (r"(adapter\.)?body\.\d+\.(block1|in_conv)\.", "a T2I adapter", "models/ControlNet"),
    (r"(ip_adapter|image_proj)\.", "an IP adapter", "models/ControlNet"),
    (r".*motion_modules\.", "a motion module of AnimateDiff", "where its extension looks"),
    (r"(params_ema\.|params\.)?(conv_first\.|model\.0\.weight)", "an upscaler", "models/ESRGAN"),
    (r"(params_ema\.|params\.)?(body\.\d+\.weight|layers\.\d+\.residual_)", "an upscaler", "models/ESRGAN"),
    (r"(first_stage_model\.)?(encoder|decoder)\.(conv_in|mid\.|mid_block\.)", "a VAE", "models/VAE"),
)
"""Names in the file, what they tell and where it belongs; what is told by names that nothing else has comes first."""
_OTHER_MODELS = (
    (r".*joint_blocks\.\d|.*context_embedder\.weight", "Stable Diffusion 3"),
    (r".*distilled_guidance_layer\.", "Chroma"),
    (r".*double_blocks\.\d+\.img_attn|.*single_transformer_blocks\.", "Flux"),
    (r".*transformer_blocks\.\d+\.img_mlp\.", "Qwen-Image"),
    (r".*txt_in\.individual_token_refiner\.", "Hunyuan Video"),
    (r".*(mlp_t5|style_embedder)\.", "Hunyuan-DiT"),
    (r".*double_layers\.\d", "AuraFlow"),
    (r".*(effnet_mapper|clip_txt_mapper|clip_txt_pooled_mapper)\.", "Stable Cascade"),
    (r".*(y_embedder\.y_embedding|caption_projection\.y_embedding|adaln_single\.linear)", "PixArt"),
    (r".*cap_embedder\.\d", "Lumina"),
    (r".*head\.modulation$|.*patch_embedding\.weight$", "Wan"),
    (r".*encoder_hid_proj\.", "Kolors"),
    (r"embedder\.model\.", "Stable Diffusion 2 unCLIP"),
    (r"edm_(vpred\.sigma_max|mean)$", "Stable Diffusion XL with EDM noise levels (CosXL, Playground)"),
)
_PARTS = (
    (r"input_blocks\.\d|down_blocks\.\d+\.resnets|double_blocks\.", "the UNet of a checkpoint"),
    (r"(text_model|transformer\.text_model|transformer\.resblocks)\.|encoder\.block\.\d", "a text encoder"),
    (r"vision_model\.", "an image encoder"),
)


def kind_of(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """One sentence: what it is and what to do."""
    if ldm.UNET + "input_blocks.0.0.weight" not in shapes:
        for pattern, name, folder in _ADAPTERS:
            if _matches(pattern, shapes):
                return f"It is {name} and no checkpoint; move it to {folder}."
    for pattern, name in _OTHER_MODELS:
        if _matches(pattern, shapes):
            return f"It is a {name} model; {_draws()}"
    for pattern, what in _PARTS:
        if _matches(pattern, shapes):
            return f"It is {what} alone; take the whole checkpoint, with UNet, text encoder and VAE in one file."
    if any(key.startswith(ldm.UNET) for key in shapes):
        return _incomplete(shapes)
    return f"It is no checkpoint that sdui knows; {_draws()}"


def _matches(pattern: str, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    return re.search(f"^(?:{pattern})", "\n".join(shapes), re.MULTILINE) is not None


def _incomplete(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """A checkpoint that no family takes because a network of it is missing, or because it is of an unknown kind."""
    parts = {"UNet": (ldm.UNET,), "VAE": (ldm.VAE,), "text encoder": ("cond_stage_model.", "conditioner.")}
    missing = [name for name, prefixes in parts.items() if not any(key.startswith(prefixes) for key in shapes)]
    if missing:
        return f"It is a checkpoint that lacks its {' and its '.join(missing)}; take a complete version of it."
    return f"It is a checkpoint of an unknown kind; {_draws()}"


def _draws() -> str:
    *names, last = [family.name for family in families()]
    return f"sdui draws with {', '.join(names)} and {last}." if names else f"sdui draws with {last}."
