"""Schedules: how the noise level falls from step to step. To add one, add a row to SCHEDULES."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sdui.core.catalog import Facts
from sdui.core.errors import RequestError
from sdui.core.sampling_options import SamplingOptions

from .align_your_steps import AYS, AYS_32, GITS, Table
from .levels import NoiseLevels

AUTOMATIC = "Automatic"


@dataclass(frozen=True, slots=True)
class Span:
    """What a schedule may choose from."""

    levels: NoiseLevels
    low: float
    """The last level before 0 and the first level, where a schedule lets them be chosen."""
    high: float
    rho: float
    options: SamplingOptions


Make = Callable[[int, Span], Tensor]
"""(steps, span) -> levels, falling, float32 on the CPU; ends with 0 where sampling is to end without noise."""


@dataclass(frozen=True, slots=True)
class Schedule:
    make: Make
    aliases: tuple[str, ...] = ()
    rho: float = 0.0
    """Its own steepness; 0 where it has none."""
    of_checkpoint: bool = False
    """Whether its levels are among those that the checkpoint was trained on, or computed from their number."""


def uniform(steps: int, span: Span) -> Tensor:
    """Equal distances in training time, from the last timestep to the first."""
    levels = span.levels
    return _then_zero(levels.sigmas_at(torch.linspace(levels.timesteps[-1].item(), levels.timesteps[0].item(), steps)))


def karras(steps: int, span: Span) -> Tensor:
    """Eq. 5 of Karras et al. 2022 (arXiv:2206.00364)."""
    # Tensors, because a float raises where its power is beyond all numbers.
    low, high = (torch.tensor(level, dtype=torch.float64) ** (1 / span.rho) for level in (span.low, span.high))
    return _then_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** span.rho)


def karras_between(steps: int, low: float, high: float) -> list[float]:
    """Karras' levels from `high` to `low` with rho 7, then 0."""
    root_low, root_high = low ** (1 / 7), high ** (1 / 7)
    return as_list(_then_zero((root_high + torch.linspace(0, 1, steps) * (root_low - root_high)) ** 7))


def exponential(steps: int, span: Span) -> Tensor:
    """Equal ratios from level to level."""
    return _then_zero(torch.linspace(math.log(span.high), math.log(span.low), steps).exp())


def polyexponential(steps: int, span: Span) -> Tensor:
    """A power of the way, in log sigma; rho 1 is Exponential."""
    ramp = torch.linspace(1, 0, steps) ** span.rho
    return _then_zero((ramp * (math.log(span.high) - math.log(span.low)) + math.log(span.low)).exp())


def sgm_uniform(steps: int, span: Span) -> Tensor:
    """Equal distances in training time whose last step is from above the first timestep, as Stability's code has it."""
    return _then_zero(span.levels.sigmas_at(_times(steps + 1, span)[:-1]))


def normal(steps: int, span: Span) -> Tensor:
    """Equal distances in training time between the chosen levels."""
    return _then_zero(span.levels.sigmas_at(_times(steps, span)))


def _times(count: int, span: Span) -> Tensor:
    return torch.linspace(span.levels.timestep(span.high), span.levels.timestep(span.low), count)


def kl_optimal(steps: int, span: Span) -> Tensor:
    """Equal angles of arctan sigma (Sabour et al. 2024, arXiv:2404.14507, appendix); ends at the lowest level."""
    share = torch.arange(steps + 1) / steps
    return torch.tan(share * math.atan(span.low) + (1 - share) * math.atan(span.high))


def simple(steps: int, span: Span) -> Tensor:
    """Every so-manieth entry of the table, from its last one."""
    sigmas = span.levels.sigmas
    return _then_zero(sigmas[[len(sigmas) - 1 - int(i * (len(sigmas) / steps)) for i in range(steps)]])


def ddim_uniform(steps: int, span: Span) -> Tensor:
    """Every (T // steps)-th timestep from 1 on; can be more levels than steps."""
    sigmas = span.levels.sigmas
    return _then_zero(sigmas[1 :: max(1, len(sigmas) // steps)].flip(0))


def beta(steps: int, span: Span) -> Tensor:
    """Quantiles of a beta distribution (Lee et al. 2024, arXiv:2407.12173), in sigma as A1111 has them."""
    # Takes half a second to import.
    from scipy.special import betaincinv

    a, b = span.options.beta_dist_alpha, span.options.beta_dist_beta
    shares = [float(betaincinv(a, b, 1 - i / max(1, steps - 1))) for i in range(steps)]
    return _then_zero(torch.tensor([span.low + share * (span.high - span.low) for share in shares]))


def turbo(steps: int, span: Span) -> Tensor:
    """The last timestep of each of `steps` equal parts of the training time, as SD Turbo wants them."""
    levels = span.levels
    last = levels.timesteps[-1].item()
    times = torch.arange(1, steps + 1).flip(0) * ((last + 1) / steps) - 1
    return _then_zero(levels.sigmas_at(times.round().clamp(0, last)))


def linear_quadratic(steps: int, span: Span, threshold: float = 0.025) -> Tensor:
    """Half of the steps down by `threshold` in equal steps, then a parabola (Movie Gen, arXiv:2410.13720)."""
    if steps == 1:
        return torch.tensor([span.high, 0.0])
    straight, curved = steps // 2, steps - steps // 2
    pace = threshold / straight
    bend = (1 - threshold - pace * curved) / curved**2
    done = [pace * i for i in range(straight)] + [threshold + pace * i + bend * i * i for i in range(curved)] + [1.0]
    return (1 - torch.tensor(done)) * span.high


def tabled(table: Table) -> Make:
    """A published list of levels, interpolated in log sigma to any number of steps."""

    def make(steps: int, span: Span) -> Tensor:
        return _then_zero(torch.tensor(_log_linear(table.sdxl if span.levels.sdxl else table.sd1, steps)))

    return make


def _log_linear(levels: Sequence[float], count: int) -> list[float]:
    """As many levels at equal distances of the list's index. A single one is the highest; A1111 takes the lowest."""
    logs, last = [math.log(level) for level in levels], len(levels) - 1
    resampled: list[float] = []
    for i in range(count):
        place = i * last / max(1, count - 1)
        below = min(int(place), last - 1)
        resampled.append(math.exp(logs[below] + (place - below) * (logs[below + 1] - logs[below])))
    return resampled


def as_list(sigmas: Tensor) -> list[float]:
    """The very same numbers: float32 as float64."""
    return [float(sigma) for sigma in sigmas]


def _then_zero(sigmas: Tensor) -> Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])


SCHEDULES: dict[str, Schedule] = {
    "Uniform": Schedule(uniform, ("default",)),
    "Karras": Schedule(karras, ("ka",), rho=7.0),
    "Exponential": Schedule(exponential, ("exp",)),
    "Polyexponential": Schedule(polyexponential, rho=1.0),
    "SGM Uniform": Schedule(sgm_uniform, of_checkpoint=True),
    "KL Optimal": Schedule(kl_optimal),
    "Align Your Steps": Schedule(tabled(AYS), ("ays", "Align Your Steps 11", "ays 11")),
    "Align Your Steps GITS": Schedule(tabled(GITS), ("ays gits", "gits")),
    "Align Your Steps 32": Schedule(tabled(AYS_32), ("ays 32",)),
    "Simple": Schedule(simple, of_checkpoint=True),
    "Normal": Schedule(normal, of_checkpoint=True),
    "DDIM": Schedule(ddim_uniform, ("ddim uniform",), of_checkpoint=True),
    "Beta": Schedule(beta, of_checkpoint=True),
    "Turbo": Schedule(turbo, of_checkpoint=True),
    "Linear Quadratic": Schedule(linear_quadratic),
}
"""By the name that people see and the infotext has."""


def schedule_id(name: str) -> str:
    """A1111's name in its API: "sgm_uniform"."""
    return name.lower().replace(" ", "_")


def schedule_facts() -> dict[str, Facts]:
    """By name, Automatic included; under A1111's names."""
    automatic = {AUTOMATIC: Schedule(uniform)}
    return {
        name: Facts(
            schedule.aliases,
            {
                "name": schedule_id(name),
                "default_rho": schedule.rho or -1.0,
                "need_inner_model": schedule.of_checkpoint,
            },
        )
        for name, schedule in (automatic | SCHEDULES).items()
    }


def schedule_key(name: str) -> str:
    """What is compared: letters and digits, in any case, so that "sgm_uniform" is SGM Uniform."""
    return "".join(c for c in name.casefold() if c.isalnum())


def schedule_names() -> dict[str, str]:
    """Key of every name and alias -> name, Automatic included."""
    names = {schedule_key(AUTOMATIC): AUTOMATIC}
    for name, schedule in SCHEDULES.items():
        names |= dict.fromkeys(map(schedule_key, (name, *schedule.aliases)), name)
    return names


def find_schedule(name: str) -> str:
    """The name in full, from any spelling. Raises RequestError when there is none."""
    found = schedule_names().get(schedule_key(name))
    if found is None:
        known = ", ".join((AUTOMATIC, *SCHEDULES))
        raise RequestError(f"Schedule type: there is no {name!r}; known are {known}.")
    return found


def schedule_sigmas(name: str, steps: int, levels: NoiseLevels, options: SamplingOptions) -> list[float]:
    """The levels of a schedule, falling; name: as in SCHEDULES. The options may move its ends and its steepness.

    Raises RequestError when that leaves no levels.
    """
    schedule = SCHEDULES[name]
    low, high = (0.1, 10.0) if options.use_old_karras_scheduler_sigmas else (levels.lowest, levels.highest)
    span = Span(levels, options.sigma_min or low, options.sigma_max or high, options.rho or schedule.rho, options)
    if span.low >= span.high:
        raise RequestError(f"sigma min: {span.low:g} is not below sigma max, which is {span.high:g}.")
    sigmas = as_list(schedule.make(steps, span))
    if not all(map(math.isfinite, sigmas)):
        raise RequestError(f"rho: {span.rho:g} leads to levels beyond all numbers; choose one nearer to 7.")
    # A steep rho makes neighbours equal, between which there is nothing to do.
    return [sigma for i, sigma in enumerate(sigmas) if i == 0 or sigma < sigmas[i - 1]]
