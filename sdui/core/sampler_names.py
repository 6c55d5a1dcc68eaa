"""What samplers are called elsewhere. Names are compared in any case, with spaces for underscores and hyphens."""

from __future__ import annotations

ALIASES: dict[str, tuple[str, ...]] = {
    "DPM++ 2M": ("k_dpmpp_2m", "dpmpp_2m", "dpm_solver"),
    "DPM++ SDE": ("k_dpmpp_sde", "dpmpp_sde", "dpmpp_sde_gpu"),
    "DPM++ 2M SDE": ("k_dpmpp_2m_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"),
    "DPM++ 2M SDE Heun": ("k_dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu"),
    "DPM++ 2S a": ("k_dpmpp_2s_a", "dpmpp_2s_a", "dpmpp_2s_ancestral"),
    "DPM++ 3M SDE": ("k_dpmpp_3m_sde", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu"),
    "Euler a": ("k_euler_a", "k_euler_ancestral", "euler_ancestral"),
    "Euler": ("k_euler",),
    "LMS": ("k_lms",),
    "Heun": ("k_heun",),
    "DPM2": ("k_dpm_2", "dpm_2"),
    "DPM2 a": ("k_dpm_2_a", "dpm_2_a", "dpm_2_ancestral"),
    "DPM fast": ("k_dpm_fast",),
    "DPM adaptive": ("k_dpm_ad", "k_dpm_adaptive"),
    "Restart": (),
    "DDIM": (),
    "DDIM CFG++": ("ddim_cfgpp", "ddim_cfg_pp"),
    "PLMS": ("pndm",),
    "UniPC": ("uni_pc",),
    "LCM": ("k_lcm",),
    "TCD": (),
    "HeunPP2": (),
    "DDPM": (),
    "DEIS": (),
    "IPNDM": (),
    "IPNDM_V": (),
}
"""By the name here, the others: A1111's k_ names, ComfyUI's, those of diffusers-based platforms and of CompVis."""


def key(name: str) -> str:
    """What is compared."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def known(name: str) -> str:
    """The name here; "" where there is none."""
    wanted = key(name)
    return next((own for own, others in ALIASES.items() if wanted in map(key, (own, *others))), "")
