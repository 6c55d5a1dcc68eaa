"""What a user may tell a sampler and its schedule beyond their names; each sampler uses only some of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params

_SAMPLER = "Sampler parameters"


class SamplingOptions(Params):
    """Options of samplers and schedules, under A1111's option names."""

    eta_ddim: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Eta for DDIM",
            "Noise that DDIM adds at each step; 0 adds none.",
            step=0.01,
            infotext="Eta DDIM",
            section="Sampler parameters",
        ),
    ] = 0.0
    eta_ancestral: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Eta for k-diffusion samplers",
            "Share of the noise that ancestral and SDE samplers add back at each step.",
            step=0.01,
            infotext="Eta",
            section="Sampler parameters",
        ),
    ] = 1.0
    s_churn: Annotated[
        float,
        Field(ge=0, le=100),
        Param(
            "sigma churn",
            "Noise added before each step, for Euler, Heun, HeunPP2 and DPM2.",
            step=0.01,
            infotext="Sigma churn",
            section="Sampler parameters",
        ),
    ] = 0.0
    s_tmin: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "sigma tmin",
            "Churn only above this level.",
            step=0.01,
            slider=(0, 10),
            infotext="Sigma tmin",
            section="Sampler parameters",
        ),
    ] = 0.0
    s_tmax: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "sigma tmax",
            "Churn only below this level; 0 means no limit.",
            step=0.01,
            infotext="Sigma tmax",
            section="Sampler parameters",
        ),
    ] = 0.0
    s_noise: Annotated[
        float,
        Field(ge=0, le=10),
        Param(
            "sigma noise",
            "Scale of the noise that is added while sampling.",
            step=0.001,
            slider=(0, 1.1),
            infotext="Sigma noise",
            section="Sampler parameters",
        ),
    ] = 1.0
    sigma_min: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "sigma min",
            "Lowest level of the schedule; 0 is the checkpoint's own, about 0.03.",
            step=0.01,
            slider=(0, 2),
            infotext="Schedule min sigma",
            section="Sampler parameters",
        ),
    ] = 0.0
    sigma_max: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "sigma max",
            "Highest level of the schedule; 0 is the checkpoint's own, about 14.6.",
            step=0.01,
            slider=(0, 60),
            infotext="Schedule max sigma",
            section="Sampler parameters",
        ),
    ] = 0.0
    rho: Annotated[
        float,
        Field(ge=0, le=100),
        Param(
            "rho",
            "Steepness of the Karras (7) and Polyexponential (1) schedules; 0 is their own.",
            step=0.01,
            infotext="Schedule rho",
            section="Sampler parameters",
        ),
    ] = 0.0
    beta_dist_alpha: Annotated[
        float,
        Field(ge=0.01, le=100),
        Param(
            "Beta scheduler - alpha",
            "First parameter of the Beta schedule's distribution.",
            step=0.01,
            slider=(0.01, 1),
            infotext="Beta schedule alpha",
            section="Sampler parameters",
        ),
    ] = 0.6
    beta_dist_beta: Annotated[
        float,
        Field(ge=0.01, le=100),
        Param(
            "Beta scheduler - beta",
            "Second parameter of the Beta schedule's distribution.",
            step=0.01,
            slider=(0.01, 1),
            infotext="Beta schedule beta",
            section="Sampler parameters",
        ),
    ] = 0.6
    always_discard_next_to_last_sigma: Annotated[
        bool,
        Param(
            "Always discard next-to-last sigma",
            "Make one level more and leave out the last but one, as some samplers always do.",
            infotext="Discard penultimate sigma",
            section="Sampler parameters",
        ),
    ] = False
    sgm_noise_multiplier: Annotated[
        bool,
        Param(
            "SGM noise multiplier",
            "Start from noise of deviation sqrt(1 + sigma^2), as Stability's reference code does.",
            infotext="SGM noise multiplier",
            section="Sampler parameters",
        ),
    ] = False
    uni_pc_variant: Annotated[
        str,
        Param(
            "UniPC variant",
            choices=("bh1", "bh2", "vary_coeff"),
            infotext="UniPC variant",
            section="Sampler parameters",
        ),
    ] = "bh1"
    uni_pc_skip_type: Annotated[
        str,
        Param(
            "UniPC skip type",
            choices=("time_uniform", "time_quadratic", "logSNR"),
            infotext="UniPC skip type",
            section="Sampler parameters",
        ),
    ] = "time_uniform"
    uni_pc_order: Annotated[
        int,
        Field(ge=1, le=50),
        Param(
            "UniPC order",
            "Must be below the number of steps; it is lowered where it is not.",
            infotext="UniPC order",
            section="Sampler parameters",
        ),
    ] = 3
    uni_pc_lower_order_final: Annotated[
        bool,
        Param(
            "UniPC lower order final",
            "Lower the order for the last steps.",
            infotext="UniPC lower order final",
            section="Sampler parameters",
        ),
    ] = True
    sd_noise_schedule: Annotated[
        str,
        Param(
            "Noise schedule for sampling",
            "Zero Terminal SNR starts from pure noise, for checkpoints trained that way.",
            choices=("Default", "Zero Terminal SNR"),
            infotext="Noise Schedule",
            section="Sampler parameters",
        ),
    ] = "Default"
    enable_quantization: Annotated[
        bool,
        Param(
            "Enable quantization in K samplers",
            "Ask the network only about whole training timesteps.",
            infotext="Quantization",
            section="Stable Diffusion",
        ),
    ] = False
    use_old_karras_scheduler_sigmas: Annotated[
        bool,
        Param("Use old karras scheduler sigmas (0.1 to 10)", infotext="Old Karras sigmas", section="Compatibility"),
    ] = False
    use_downcasted_alpha_bar: Annotated[
        bool,
        Param(
            "Downcast model alphas_cumprod to fp16 before sampling",
            "For pictures made before A1111 1.8.",
            infotext="Downcast alphas_cumprod",
            section="Compatibility",
        ),
    ] = False
    no_dpmpp_sde_batch_determinism: Annotated[
        bool,
        Param(
            "Do not make DPM++ SDE deterministic across different batch sizes",
            "For pictures made before A1111 1.4.",
            infotext="No SDE batch determinism",
            section="Compatibility",
        ),
    ] = False


class GuidanceOptions(Params):
    """When the negative prompt is asked at all."""

    s_min_uncond: Annotated[
        float,
        Field(ge=0, le=1000),
        Param(
            "Negative Guidance minimum sigma",
            "Below this level the negative prompt is left out at every other step; 0 never leaves it out.",
            step=0.01,
            slider=(0, 15),
            infotext="NGMS",
            section="Optimizations",
        ),
    ] = 0.0
    s_min_uncond_all: Annotated[
        bool,
        Param(
            "Negative Guidance minimum sigma all steps",
            "Leave it out at every step.",
            infotext="NGMS all steps",
            section="Optimizations",
        ),
    ] = False
    skip_early_cond: Annotated[
        float,
        Field(ge=0, le=1),
        Param(
            "Ignore negative prompt during early sampling",
            "Share of the steps, from the first on, that go without the negative prompt.",
            step=0.01,
            infotext="Skip Early CFG",
            section="Sampler parameters",
        ),
    ] = 0.0
