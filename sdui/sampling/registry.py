"""The sampler table. To add a sampler, add a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from sdui.core.errors import RequestError

from .samplers import SamplerFn, ddim, dpmpp_2m, dpmpp_sde, euler, euler_ancestral
from .schedules import AUTOMATIC, SCHEDULES, Schedule, ddim_timesteps


@dataclass(frozen=True, slots=True)
class SamplerSpec:
    name: str
    """What users see and what the infotext stores."""
    run: SamplerFn
    aliases: tuple[str, ...] = ()
    schedule: str = "Uniform"
    """Used when the request says "Automatic"."""
    noise: Literal["none", "fresh", "brownian"] = "none"
    """What the sampler adds between levels."""
    model_calls: int = 1
    """Per step; prompt editing counts calls."""
    own_schedule: Schedule | None = None
    """Levels that belong to the sampler's definition; the request's schedule is then without effect."""
    variance_preserving: bool = False
    """Starts from, and ends as, x / sqrt(1 + sigma^2): the scale that DDPM and its kin were defined in."""

    def sigmas(self, schedule: str, steps: int, table: Tensor) -> Tensor:
        """The levels to visit. Raises RequestError for an unknown schedule."""
        if self.own_schedule:
            return self.own_schedule(steps, table)
        name = self.schedule if schedule == AUTOMATIC else schedule
        if name not in SCHEDULES:
            raise RequestError(f"Schedule type: there is no {schedule!r}; known are {', '.join(SCHEDULES)}.")
        return SCHEDULES[name](steps, table)


class Registry:
    """Specs by name or alias; refuses duplicates and leaves itself unchanged when it refuses."""

    def __init__(self, *specs: SamplerSpec) -> None:
        self._by_name: dict[str, SamplerSpec] = {}
        for spec in specs:
            self.add(spec)

    def add(self, spec: SamplerSpec) -> None:
        names = [name.casefold() for name in (spec.name, *spec.aliases)]
        if taken := [name for name in names if name in self._by_name]:
            raise ValueError(f"sampler name already taken: {taken[0]}")
        self._by_name |= dict.fromkeys(names, spec)

    def __getitem__(self, name: str) -> SamplerSpec:
        """By name or alias, in any case. Raises RequestError when there is none."""
        spec = self._by_name.get(name.casefold())
        if spec is None:
            raise RequestError(f"Sampling method: there is no {name!r}; known are {', '.join(self.names())}.")
        return spec

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(spec.name for spec in self._by_name.values()))


def builtin() -> Registry:
    """The samplers that come with sdui, in A1111's order."""
    return Registry(
        SamplerSpec("DPM++ 2M", dpmpp_2m, ("k_dpmpp_2m", "dpm++_2m"), schedule="Karras"),
        SamplerSpec("DPM++ SDE", dpmpp_sde, ("k_dpmpp_sde",), schedule="Karras", noise="brownian", model_calls=2),
        SamplerSpec("Euler a", euler_ancestral, ("k_euler_a", "k_euler_ancestral", "euler_a"), noise="fresh"),
        SamplerSpec("Euler", euler, ("k_euler",)),
        SamplerSpec("DDIM", ddim, own_schedule=ddim_timesteps, noise="fresh", variance_preserving=True),
    )
