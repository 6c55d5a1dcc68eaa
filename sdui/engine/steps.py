"""How many steps a pass makes that starts from a picture."""

from __future__ import annotations

from typing import NamedTuple

_NEARLY_ALL = 0.999
"""The schedule's first level is always left out."""


class PartialSteps(NamedTuple):
    schedule: int
    """Steps of the whole schedule; 0 when nothing is to be changed."""
    from_end: int
    """Level 0 counts as the last one: k-diffusion's samplers make from_end + 1 steps, DDIM and its kin from_end."""


def partial_steps(steps: int, strength: float, exactly: bool) -> PartialSteps:
    """For a denoising strength of 0 to 1.

    exactly: make `steps` steps, the last ones of a longer schedule, as hires fix always does and img2img with "fix
    steps". Otherwise of a schedule of `steps` the last ones.
    """
    strength = min(strength, _NEARLY_ALL)
    if not exactly:
        return PartialSteps(steps, int(strength * steps))
    return PartialSteps(int(steps / strength) if strength > 0 else 0, steps - 1)
