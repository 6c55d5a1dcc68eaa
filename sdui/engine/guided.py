"""The denoiser that samplers see: the network, asked about every prompt at once, under classifier-free guidance."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from sdui.models.families.base import Conditioning
from sdui.sampling.guidance import coefficients

from .conditioning import Prompts
from .run import Run


class GuidedDenoiser:
    def __init__(self, run: Run, prompts: Prompts) -> None:
        self._run = run
        self._calls = 0
        positives, negative = coefficients([weight for weight, _ in prompts.parts], run.request.cfg_scale)
        texts = [scheduled for _, scheduled in prompts.parts]
        asked = [*zip(positives, texts, strict=True), (negative, prompts.negative)]
        self._asked = [entry for entry in asked if entry[0] != 0]

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x [B,C,h,w] at level sigma -> x0. Prompts with equally many chunks share one look at the network."""
        self._run.check()
        groups: defaultdict[int, list[tuple[float, Tensor]]] = defaultdict(list)
        for coefficient, scheduled in self._asked:
            context = scheduled.at(self._calls)
            groups[context.shape[1]].append((coefficient, context))
        self._calls += 1
        return sum((self._ask(x, sigma, group) for group in groups.values()), torch.zeros_like(x))

    def _ask(self, x: Tensor, sigma: Tensor, group: list[tuple[float, Tensor]]) -> Tensor:
        batch = len(x)
        context = torch.cat([context.expand(batch, -1, -1) for _, context in group])
        timestep = float(timestep_of(sigma, sigma_table(self._run.lease.model.alphas_cumprod)))
        denoised = self._run.lease.model.denoise(
            x.repeat(len(group), 1, 1, 1), float(sigma), timestep, Conditioning(context)
        )
        factors = x.new_tensor([coefficient for coefficient, _ in group]).view(-1, 1, 1, 1, 1)
        return (denoised.view(-1, *x.shape) * factors).sum(0)


def sigma_table(alphas_cumprod: Tensor) -> Tensor:
    return ((1 - alphas_cumprod) / alphas_cumprod).sqrt()


def timestep_of(sigma: Tensor, levels: Tensor) -> Tensor:
    """The fractional timestep of a level, interpolated in log sigma and held within the trained range; a scalar."""
    logs, log_sigma = levels.log(), sigma.log()
    low = (torch.searchsorted(logs, log_sigma) - 1).clamp(0, len(logs) - 2)
    weight = ((log_sigma - logs[low]) / (logs[low + 1] - logs[low])).clamp(0, 1)
    return low + weight
