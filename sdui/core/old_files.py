"""What the names and numbers in files of older A1111 versions mean today."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from packaging.version import Version

from .sampler_names import known

AUTOMATIC, UNIFORM = "Automatic", "Uniform"
SAME = ("", "Use same sampler", "Use same scheduler", "Use same checkpoint")
"""What stands for the first pass's own in a choice of the hires pass."""

_SCHEDULES = {
    "automatic": AUTOMATIC,
    "uniform": UNIFORM,
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform",
    "kl_optimal": "KL Optimal",
    "align_your_steps": "Align Your Steps",
    "simple": "Simple",
    "normal": "Normal",
    "ddim": "DDIM",
    "beta": "Beta",
    "turbo": "Turbo",
}
"""Schedules by the names that A1111's options and API know them by."""
_SUFFIXES = {name.replace("_", " "): label for name, label in _SCHEDULES.items()} | _SCHEDULES
_IN_ALIASES = {"ka": "Karras", "exp": "Exponential"}
"""Ends of the names that scripts use, "k_dpmpp_2m_ka"."""
_PLAIN = {
    "restart": "Karras",
    "ddim": AUTOMATIC,
    "plms": AUTOMATIC,
    "unipc": AUTOMATIC,
    "lcm": AUTOMATIC,
}
"""Before 1.9 a sampler's plain name meant uniform levels, but for these: Restart had Karras', the others their own."""

_FIRST_SCHEDULES = Version("1.9.0a0")
_NEW_TIMELINES = Version("1.6.0")
_REFINER_BY_TIMESTEP = Version("1.8.0")
_FULL_ALPHAS = Version("1.7.0.post225")
_UNSURE = Version("1.7.0")
_DEVELOPMENT = re.compile(r"([^-]+-[^-]+)-.*")
_FIRST_PASS_PIXELS = 512 * 512


class Names(NamedTuple):
    sampler: str
    schedule: str


def version(text: str | None) -> Version | None:
    """Of A1111, from a file's "Version": "v1.7.0-225-gabc" is 225 changes after 1.7.0. None where it says nothing."""
    development = _DEVELOPMENT.match(text or "")
    try:
        return Version(development[1] if development else text or "")
    except ValueError:
        return None


def had_schedules(made_by: Version | None) -> bool:
    """Whether the file's program told samplers and schedules apart; who says nothing is taken for an old one."""
    return made_by is not None and made_by >= _FIRST_SCHEDULES


def names(sampler: str, schedule: str, *, old: bool) -> Names:
    """Both, from a name that may mean both, "DPM++ 2M Karras"; a sampler that is known here gets its name here.

    `schedule` "" is unsaid; what that means depends on whether the file is `old`, from before there were schedules.
    """
    base, own = _parted(sampler)
    said = _SCHEDULES.get(_underscored(schedule), schedule)
    if said in ("", AUTOMATIC) and own:
        return Names(base, own)
    if said:
        return Names(base, said)
    return Names(base, _PLAIN.get(base.casefold(), UNIFORM) if old else AUTOMATIC)


def tell_apart(flat: dict[str, Any], *, old: bool) -> None:
    """Give the sampler and the schedule in `flat`, values by path, today's names."""
    if "sampler" in flat or "schedule" in flat:
        found = names(flat.get("sampler", ""), flat.get("schedule", ""), old=old)
        flat |= {path: value for path, value in found._asdict().items() if path in flat or value}


def tell_apart_hires(flat: dict[str, Any], *, old: bool) -> None:
    """The same for the hires pass: an unsaid schedule is the first pass's, or in an `old` file its own sampler's."""
    sampler, schedule = flat.get("hires.sampler", ""), flat.get("hires.schedule", "")
    found = names(sampler, schedule, old=old)
    if sampler:
        flat["hires.sampler"] = found.sampler
    named = schedule or schedule_in(sampler)
    if named or (sampler and old and found.schedule != flat.get("schedule")):
        flat["hires.schedule"] = found.schedule


def schedule_in(sampler: str) -> str:
    """The schedule that the sampler's name ends in, or ""."""
    return _parted(sampler).schedule


def _parted(sampler: str) -> Names:
    if name := known(sampler):
        return Names(name, "")
    lower = sampler.casefold()
    for end, schedule in _SUFFIXES.items():
        base = sampler[: -len(end) - 1]
        if lower.endswith(f" {end}") or (lower.endswith(f"_{end}") and known(base)):
            return Names(known(base) or base, schedule)
    for end, schedule in _IN_ALIASES.items():
        if lower.startswith("k_") and lower.endswith(f"_{end}"):
            base = sampler[: -len(end) - 1]
            return Names(known(base) or base, schedule)
    return Names(sampler, "")


def _underscored(schedule: str) -> str:
    return schedule.casefold().replace(" ", "_")


def options(made_by: Version | None, prompt: str, sampler: str) -> dict[str, bool]:
    """Options, by their infotext key, that make a picture of that version come out as it was."""
    if made_by is None:
        return {}
    found = {
        "Old prompt editing timelines": made_by < _NEW_TIMELINES and "[" in prompt,
        "Pad conds v0": made_by < _NEW_TIMELINES and sampler in ("DDIM", "PLMS"),
        "Downcast alphas_cumprod": made_by < _FULL_ALPHAS,
    }
    return {key: on for key, on in found.items() if on}


def may_be_newer(made_by: Version | None) -> bool:
    """Whether this is 1.7.0 exactly, the release, which downcast, or a later state without git, which did not.

    On tiny-sd15 the two differ by up to 24/255 (DPM++ SDE Karras, 6 steps).
    """
    return made_by == _UNSURE


def refined_by_steps(made_by: Version | None) -> bool:
    """What the refiner's share counted where a file does not say so; who says nothing is taken for an old one."""
    return made_by is None or made_by < _REFINER_BY_TIMESTEP


def first_pass_size(width: int, height: int) -> tuple[int, int]:
    """Of a hires fix that was told only its target: about 512x512 in its shape, in steps of 64 pixels."""
    scale = math.sqrt(_FIRST_PASS_PIXELS / max(1, width * height))
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64
