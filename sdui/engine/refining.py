"""Which checkpoint is asked at which look, and when without the negative prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdui.core.request import GenerationRequest
from sdui.core.stages import REFINED_PASSES, Refiner
from sdui.sampling.levels import NoiseLevels

from .guided import Plans


@dataclass(slots=True)
class Guides:
    """The checkpoint of a pass and, where it has one, the refiner that takes over."""

    base: Plans
    request: GenerationRequest
    calls: int
    """Looks that the pass is expected to take; shares of it are counted in them."""
    by_timestep: bool
    """The level is compared as a timestep: DDIM and its kin know no other."""
    check: Callable[[], None]
    """Raises Interrupted when the pass is to end."""
    refiner: Refiner | None
    make_refined: Callable[[], Plans]
    _refined: Plans | None = None

    @property
    def levels(self) -> NoiseLevels:
        return self.base.guide.levels

    def plans(self, call: int, sigma: float) -> Plans:
        """Once the refiner has taken over it stays. Raises Interrupted when asked to stop."""
        self.check()
        if self._refined is None and self.refiner and self._is_due(call, sigma, self.refiner):
            self._refined = self.make_refined()
        return self._refined or self.base

    def _is_due(self, call: int, sigma: float, refiner: Refiner) -> bool:
        if refiner.switch_by_steps:
            return call / self.calls >= refiner.switch_at
        last = len(self.levels.sigmas) - 1
        return (last - self.levels.timestep(sigma)) / (last + 1) >= refiner.switch_at

    def without_negative(self, call: int, sigma: float) -> bool:
        """A1111's "Ignore negative prompt during early sampling" and its minimum sigma of negative guidance."""
        guidance = self.request.guidance
        if guidance.skip_early_cond and call / self.calls <= guidance.skip_early_cond:
            return True
        if not guidance.s_min_uncond or self.base.guide.model.kind == "edit":
            return False
        level = self.levels.timestep(sigma) if self.by_timestep else sigma
        return level < guidance.s_min_uncond and (guidance.s_min_uncond_all or call % 2 == 1)


def refiner_of(request: GenerationRequest, second: bool) -> Refiner | None:
    """The refiner of the first or second pass; with hires fix the request says which pass has it."""
    refiner = request.refiner
    if refiner is None or request.hires is None:
        return refiner
    refined = REFINED_PASSES.index(refiner.hires_pass)
    return refiner if refined == len(REFINED_PASSES) - 1 or refined == int(second) else None
