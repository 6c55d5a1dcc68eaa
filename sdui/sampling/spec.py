"""What is known of a sampler beside its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from sdui.core.catalog import Facts
from sdui.core.sampler_names import ALIASES
from sdui.core.sampling_options import SamplingOptions

from .levels import NoiseLevels, unit_scale
from .samplers import SamplerFn
from .schedules import AUTOMATIC, find_schedule, schedule_id, schedule_sigmas
from .timesteps import OwnLevels, Way


@dataclass(frozen=True, slots=True)
class SamplerSpec:
    name: str
    """What users see and what the infotext stores."""
    run: SamplerFn
    schedule: str = "Uniform"
    """Used when the request says "Automatic"."""
    noise: Literal["none", "fresh", "brownian"] = "none"
    """What the sampler adds between levels."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """Keyword of the function -> field of SamplingOptions; what is not named here has no effect on the sampler."""
    model_calls: int = 1
    """Per step, as prompt editing counts them; it counts calls."""
    discard_penultimate: bool = False
    """Makes one level more and leaves out the last but one."""
    uses_ensd: bool = False
    """Whether A1111 writes the eta noise seed delta into the infotext."""
    cfg_multiplier: float = 1.0
    """The CFG scale is multiplied by this."""
    needs: tuple[Literal["levels", "uncond"], ...] = ()
    """Further keywords of the function."""
    distilled: bool = False
    """Knows only the timesteps that consistency models were distilled on."""
    reads_noise: bool = False
    """Takes every network's output for noise, also that of one which predicts v, as A1111 does."""
    stays_above_zero: bool = False
    """Picks its own levels between the first and the last one, which is above 0."""
    own_levels: OwnLevels | None = None
    """Levels that belong to the sampler's definition; the request's schedule is then without effect."""
    variance_preserving: bool = False
    """Starts from, and ends as, x / sqrt(1 + sigma^2): the scale that DDPM and its kin were defined in.

    A1111 blends the kept part of a picture into such a sampler's x before the network sees it, not into x0 after.
    """

    @property
    def facts(self) -> Facts:
        """The options under A1111's names, as texts."""
        options = {
            "scheduler": "" if self.schedule == "Uniform" else schedule_id(self.schedule),
            "uses_ensd": self.uses_ensd,
            "second_order": self.model_calls == 2,
            "brownian_noise": self.noise == "brownian",
            "discard_next_to_last_sigma": self.discard_penultimate,
        }
        return Facts(ALIASES.get(self.name, ()), {name: str(value) for name, value in options.items() if value})

    def levels(self, levels: NoiseLevels) -> NoiseLevels:
        """The checkpoint's levels as this sampler knows them; all other methods want these."""
        if self.distilled:
            return levels.distilled()
        return levels.precise() if self.own_levels else levels

    def sigmas(self, schedule: str, steps: int, levels: NoiseLevels, options: SamplingOptions) -> list[float]:
        """The levels to visit from noise alone, falling. Raises RequestError for an unknown schedule."""
        if self.own_levels:
            return self.own_levels(self._lengthened(steps, options), None, levels, options).sigmas
        sigmas = self._scheduled(schedule, steps, levels, options)
        if self.stays_above_zero:
            sigmas[0], sigmas[-1] = levels.highest, levels.lowest
        return sigmas

    def picture_sigmas(
        self, schedule: str, steps: int, taken: int, levels: NoiseLevels, options: SamplingOptions
    ) -> Way:
        """The last levels of `steps`, to visit from a picture. Raises RequestError for an unknown schedule.

        taken: the steps that change the picture, 0..steps - 1, one fewer than are made where a schedule is used
        (A1111's t_enc, denoising strength * steps).
        """
        if self.own_levels:
            return self.own_levels(self._lengthened(steps, options), taken, levels, options)
        sigmas = self._scheduled(schedule, steps, levels, options)
        sigmas = sigmas[max(0, min(steps - taken - 1, len(sigmas) - 2)) :]
        if self.stays_above_zero:
            sigmas[-1] = sigmas[-2]
        return Way(sigmas, sigmas[0])

    def noise_scale(self, sigma: float, options: SamplingOptions) -> float:
        """Deviation of noise alone at the first level."""
        return unit_scale(sigma) if self.variance_preserving or options.sgm_noise_multiplier else sigma

    def keywords(self, options: SamplingOptions, levels: NoiseLevels, uncond: Callable[[], Tensor]) -> dict[str, Any]:
        """What the function takes beside model, x, sigmas, noise and on_step.

        uncond: x0 [B,C,h,w] as the negative prompt alone made it at the last look.
        """
        needed = {"levels": levels, "uncond": uncond}
        chosen = {keyword: getattr(options, name) for keyword, name in self.options.items()}
        return chosen | {name: needed[name] for name in self.needs}

    def _lengthened(self, steps: int, options: SamplingOptions) -> int:
        return steps + (self.discard_penultimate or options.always_discard_next_to_last_sigma)

    def _scheduled(self, schedule: str, steps: int, levels: NoiseLevels, options: SamplingOptions) -> list[float]:
        name = find_schedule(schedule)
        name = self.schedule if name == AUTOMATIC else name
        more = self._lengthened(steps, options)
        sigmas = schedule_sigmas(name, more, levels, options)
        return [*sigmas[:-2], sigmas[-1]] if more > steps and len(sigmas) > 2 else sigmas
