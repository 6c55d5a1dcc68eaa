"""The sampler table. To add a sampler, add a row; what else it is called stands in sdui/core/sampler_names.py."""

from __future__ import annotations

from sdui.core.catalog import Facts
from sdui.core.errors import RequestError
from sdui.core.sampler_names import ALIASES, key

from . import ancestral, distilled, dpm_solver, multistep, samplers, sde, variance_preserving
from .restart import restart
from .schedules import AUTOMATIC, find_schedule, schedule_names
from .spec import SamplerSpec
from .timesteps import ddim_levels, unipc_levels
from .unipc import unipc

_CHURN = {name: name for name in ("s_churn", "s_tmin", "s_tmax", "s_noise")}
_ETA = {"eta": "eta_ancestral"}
_ETA_AND_NOISE = _ETA | {"s_noise": "s_noise"}
_ETA_DDIM = {"eta": "eta_ddim"}
_UNIPC = {
    "variant": "uni_pc_variant",
    "order": "uni_pc_order",
    "lower_order_final": "uni_pc_lower_order_final",
}


class Registry:
    """Specs by name or alias; refuses duplicates and leaves itself unchanged when it refuses."""

    def __init__(self, *specs: SamplerSpec) -> None:
        self._by_name: dict[str, SamplerSpec] = {}
        for spec in specs:
            self.add(spec)

    def add(self, spec: SamplerSpec) -> None:
        names = {key(name) for name in (spec.name, *ALIASES.get(spec.name, ()))}
        if taken := sorted(names & self._by_name.keys()):
            raise ValueError(f"sampler name already taken: {taken[0]}")
        self._by_name |= dict.fromkeys(names, spec)

    def __getitem__(self, name: str) -> SamplerSpec:
        """By name or alias, in any case. Raises RequestError when there is none."""
        return self.resolve(name, AUTOMATIC)[0]

    def resolve(self, name: str, schedule: str) -> tuple[SamplerSpec, str]:
        """The sampler and the schedule's full name; a name of both, "DPM++ 2M Karras" or "k_dpmpp_2m_ka", is split.

        A schedule in the name wins. Raises RequestError when there is no such sampler or schedule.
        """
        if spec := self._by_name.get(key(name)):
            return spec, find_schedule(schedule)
        if split := self._split(key(name)):
            return split
        raise RequestError(f"Sampling method: there is no {name!r}; known are {', '.join(self.names())}.")

    def _split(self, asked: str) -> tuple[SamplerSpec, str] | None:
        """The longest schedule name that ends the key of a name and leaves a sampler's name."""
        schedules, words = schedule_names(), asked.split(" ")
        for i in range(1, len(words)):
            spec, schedule = self._by_name.get(" ".join(words[:i])), schedules.get("".join(words[i:]))
            if spec and schedule:
                return spec, schedule
        return None

    def facts(self) -> dict[str, Facts]:
        """By name."""
        return {spec.name: spec.facts for spec in self._by_name.values()}

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(spec.name for spec in self._by_name.values()))


def builtin() -> Registry:
    """The samplers that come with sdui, in A1111's order, then those of Forge and others.

    Preferred schedules, options, ENSD and discarding are A1111 1.10's and Forge's.
    """
    return Registry(*_sde_and_multistep(), *_one_step(), *_dpm_solvers(), *_by_timestep(), *_distilled(), *_further())


def _sde_and_multistep() -> tuple[SamplerSpec, ...]:
    return (
        SamplerSpec("DPM++ 2M", multistep.dpmpp_2m, "Karras"),
        SamplerSpec(
            "DPM++ SDE",
            sde.dpmpp_sde,
            "Karras",
            "brownian",
            _ETA_AND_NOISE,
            model_calls=2,
        ),
        SamplerSpec(
            "DPM++ 2M SDE",
            sde.dpmpp_2m_sde,
            "Exponential",
            "brownian",
            _ETA_AND_NOISE,
        ),
        SamplerSpec(
            "DPM++ 2M SDE Heun",
            sde.dpmpp_2m_sde_heun,
            "Exponential",
            "brownian",
            _ETA_AND_NOISE,
        ),
        SamplerSpec(
            "DPM++ 2S a",
            ancestral.dpmpp_2s_ancestral,
            "Karras",
            "fresh",
            _ETA_AND_NOISE,
            model_calls=2,
            uses_ensd=True,
        ),
        SamplerSpec(
            "DPM++ 3M SDE",
            sde.dpmpp_3m_sde,
            "Exponential",
            "brownian",
            _ETA_AND_NOISE,
            discard_penultimate=True,
        ),
    )


def _one_step() -> tuple[SamplerSpec, ...]:
    return (
        SamplerSpec(
            "Euler a",
            ancestral.euler_ancestral,
            noise="fresh",
            options=_ETA,
            uses_ensd=True,
        ),
        SamplerSpec("Euler", samplers.euler, noise="fresh", options=_CHURN),
        SamplerSpec("LMS", multistep.lms),
        SamplerSpec("Heun", samplers.heun, noise="fresh", options=_CHURN, model_calls=2),
        SamplerSpec(
            "DPM2",
            samplers.dpm_2,
            "Karras",
            "fresh",
            _CHURN,
            model_calls=2,
            discard_penultimate=True,
        ),
        SamplerSpec(
            "DPM2 a",
            ancestral.dpm_2_ancestral,
            "Karras",
            "fresh",
            _ETA_AND_NOISE,
            model_calls=2,
            discard_penultimate=True,
            uses_ensd=True,
        ),
    )


def _dpm_solvers() -> tuple[SamplerSpec, ...]:
    return (
        SamplerSpec(
            "DPM fast",
            dpm_solver.dpm_fast,
            noise="fresh",
            options=_ETA_AND_NOISE,
            uses_ensd=True,
            stays_above_zero=True,
        ),
        SamplerSpec(
            "DPM adaptive",
            dpm_solver.dpm_adaptive,
            noise="fresh",
            options=_ETA,
            uses_ensd=True,
            stays_above_zero=True,
        ),
        SamplerSpec("Restart", restart, schedule="Karras", noise="fresh", model_calls=2),
    )


def _by_timestep() -> tuple[SamplerSpec, ...]:
    return (
        SamplerSpec(
            "DDIM",
            variance_preserving.ddim,
            noise="fresh",
            options=_ETA_DDIM,
            own_levels=ddim_levels,
            variance_preserving=True,
        ),
        SamplerSpec(
            "DDIM CFG++",
            variance_preserving.ddim_cfgpp,
            noise="fresh",
            options=_ETA_DDIM,
            cfg_multiplier=1 / 12.5,
            needs=("uncond",),
            own_levels=ddim_levels,
            variance_preserving=True,
        ),
        SamplerSpec("PLMS", variance_preserving.plms, own_levels=ddim_levels, variance_preserving=True),
        SamplerSpec("UniPC", unipc, options=_UNIPC, own_levels=unipc_levels, variance_preserving=True),
    )


def _distilled() -> tuple[SamplerSpec, ...]:
    return (
        SamplerSpec(
            "LCM",
            distilled.lcm,
            noise="fresh",
            needs=("levels",),
            distilled=True,
            reads_noise=True,
        ),
        SamplerSpec("TCD", distilled.tcd, "SGM Uniform", "fresh", needs=("levels",), distilled=True),
    )


def _further() -> tuple[SamplerSpec, ...]:
    return (
        SamplerSpec("HeunPP2", samplers.heunpp2, noise="fresh", options=_CHURN),
        SamplerSpec("DDPM", ancestral.euler_ancestral, noise="fresh"),
        SamplerSpec("DEIS", multistep.deis),
        SamplerSpec("IPNDM", multistep.ipndm),
        SamplerSpec("IPNDM_V", multistep.ipndm_v),
    )
