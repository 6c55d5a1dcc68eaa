"""The denoiser that samplers see: the network, asked about every prompt at once, under classifier-free guidance."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from sdui.models.families.base import Conditioning
from sdui.sampling.guidance import coefficients
from sdui.sampling.levels import NoiseLevels
from sdui.sampling.registry import SamplerSpec

from .conditioning import Prompts
from .run import Run


class GuidedDenoiser:
    def __init__(self, run: Run, prompts: Prompts, levels: NoiseLevels, spec: SamplerSpec) -> None:
        self._run, self._prompts, self._levels = run, prompts, levels
        self._calls = 0
        self._keep_uncond = "uncond" in spec.needs
        self._uncond: Tensor | None = None
        scale = run.request.cfg_scale * spec.cfg_multiplier
        positives, negative = coefficients([weight for weight, _ in prompts.parts], scale)
        texts = [scheduled for _, scheduled in prompts.parts]
        asked = [*zip(positives, texts, strict=True), (negative, prompts.negative)]
        self._asked = [entry for entry in asked if entry[0] != 0]

    def uncond(self) -> Tensor:
        """x0 [B,C,h,w] as the negative prompt alone made it at the last look; for samplers that need it."""
        assert self._uncond is not None
        return self._uncond

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """x [B,C,h,w] at level sigma -> x0. Prompts with equally many chunks share one look at the network."""
        self._run.check()
        groups: defaultdict[int, list[tuple[float, Tensor]]] = defaultdict(list)
        for coefficient, scheduled in self._asked:
            context = scheduled.at(self._calls)
            groups[context.shape[1]].append((coefficient, context))
        if self._keep_uncond:
            self._uncond = self._ask(x, sigma, [(1.0, self._prompts.negative.at(self._calls))])
        self._calls += 1
        return sum((self._ask(x, sigma, group) for group in groups.values()), torch.zeros_like(x))

    def _ask(self, x: Tensor, sigma: float, group: list[tuple[float, Tensor]]) -> Tensor:
        batch = len(x)
        context = torch.cat([context.expand(batch, -1, -1) for _, context in group])
        seen, timestep = x.repeat(len(group), 1, 1, 1), self._levels.timestep(sigma)
        denoised = self._run.lease.model.denoise(seen, sigma, timestep, Conditioning(context))
        factors = x.new_tensor([coefficient for coefficient, _ in group]).view(-1, 1, 1, 1, 1)
        return (denoised.view(-1, *x.shape) * factors).sum(0)
