"""The denoiser that samplers see: the network, asked about every prompt at once, under classifier-free guidance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from sdui.core.text_options import TextOptions
from sdui.extensions.contracts import Ask
from sdui.models.families.base import Conditioning, LoadedModel
from sdui.sampling.guidance import Coefficients
from sdui.sampling.levels import NoiseLevels

from .conditioning import Prompts


@dataclass(frozen=True, slots=True)
class Guide:
    """One checkpoint and what it is told: all that a switch to the refiner exchanges."""

    model: LoadedModel
    levels: NoiseLevels
    prompts: Prompts
    coefficients: Coefficients
    concat: Tensor | None = None
    """Extra input channels [1 or B,c,h,w]: what an inpainting or an editing checkpoint sees of the picture."""
    as_noise: bool = False
    """Whether the network's output is taken for the noise, whatever it was trained to say."""
    asked_by: Ask | None = None
    """What an extension has put around the network."""

    @property
    def ask(self) -> Ask:
        return self.asked_by or self.model.denoise


class _Asked(NamedTuple):
    factor: float
    """How much the answer counts."""
    told: Conditioning
    concat: Tensor | None
    negative: bool = False
    """Whether its answer is, or stands in for, the negative prompt's."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Prompts of one length, N of them, that the network is asked about in one go for B pictures."""

    conditioning: Conditioning
    """[N*B,...], each prompt's pictures side by side."""
    factors: Tensor
    """[N,1,1,1,1]."""
    negative: int | None
    """Which of the N is the negative prompt, or stands in for it."""


class Plans:
    """What to ask at each look; made once for each set of texts, so that a step costs no assembling."""

    def __init__(self, guide: Guide, options: TextOptions, batch: int, keep_negative: bool = False) -> None:
        """keep_negative: ask the negative prompt even where its answer does not count."""
        self.guide = guide
        self._options, self._batch, self._keep_negative = options, batch, keep_negative
        self._plans: dict[tuple[int, ...], tuple[_Question, ...]] = {}

    def questions(self, call: int, without_negative: bool) -> tuple[_Question, ...]:
        prompts = self.guide.prompts
        positives = [scheduled.at(call) for _, scheduled in prompts.parts]
        negative = prompts.negative.at(call)
        key = (without_negative, id(negative), *map(id, positives))
        if key not in self._plans:
            self._plans[key] = self._plan(positives, negative, without_negative)
        return self._plans[key]

    def _plan(
        self, positives: list[Conditioning], negative: Conditioning, without_negative: bool
    ) -> tuple[_Question, ...]:
        positives, negative = self._padded(positives, negative)
        counts, seen = self.guide.coefficients, self.guide.concat
        factors = counts.unguided if without_negative else counts.positives
        asked = [_Asked(factor, told, seen) for factor, told in zip(factors, positives, strict=True)]
        if without_negative:
            # A1111 puts the first prompt's answer where the negative one's would be.
            asked[0] = asked[0]._replace(negative=True)
        if not without_negative:
            nothing = None if seen is None else torch.zeros_like(seen)
            asked += [_Asked(counts.negative, negative, seen, True), _Asked(counts.unseen, negative, nothing)]
        asked = [one for one in asked if one.factor != 0 or (one.negative and self._keep_negative)]
        lengths = dict.fromkeys(one.told.length for one in asked)
        return tuple(self._question([one for one in asked if one.told.length == length]) for length in lengths)

    def _question(self, asked: list[_Asked]) -> _Question:
        context = torch.cat([one.told.context.expand(self._batch, -1, -1) for one in asked])
        vectors = [one.told.vector.expand(self._batch, -1) for one in asked if one.told.vector is not None]
        concats = [one.concat.expand(self._batch, -1, -1, -1) for one in asked if one.concat is not None]
        factors = torch.tensor([one.factor for one in asked], device=context.device).view(-1, 1, 1, 1, 1)
        negative = next((i for i, one in enumerate(asked) if one.negative), None)
        return _Question(Conditioning(context, _joined(vectors), _joined(concats)), factors, negative)

    def _padded(self, positives: list[Conditioning], negative: Conditioning) -> tuple[list[Conditioning], Conditioning]:
        """Positive and negative prompts of one length, where the options want that."""
        length = max(told.length for told in positives)
        if self._options.pad_cond_uncond_v0:
            last, missing = negative.context[:, -1:], max(length - negative.length, 0)
            context = torch.cat([negative.context, last.expand(-1, missing, -1)], dim=1)[:, :length]
            return positives, replace(negative, context=context)
        if self._options.pad_cond_uncond:
            length = max(length, negative.length)
            return [self._filled(told, length) for told in positives], self._filled(negative, length)
        return positives, negative

    def _filled(self, told: Conditioning, length: int) -> Conditioning:
        empty = self.guide.prompts.empty
        more = empty.repeat(1, (length - told.length) // empty.shape[1], 1)
        return replace(told, context=torch.cat([told.context, more], dim=1))


def _joined(parts: list[Tensor]) -> Tensor | None:
    return torch.cat(parts) if parts else None


class GuidedDenoiser:
    """`(x [B,C,h,w], sigma) -> x0`; counts its calls, as prompt editing and the refiner need."""

    def __init__(self, plans_at: Callable[[int, float], Plans], without_negative: Callable[[int, float], bool]) -> None:
        """Both are told (call from 0, timestep or level): which checkpoint to ask, and whether to leave out the
        negative prompt."""
        self._plans_at, self._without_negative = plans_at, without_negative
        self.calls = 0
        self._negative: Tensor | None = None

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        plans = self._plans_at(self.calls, sigma)
        guide, timestep = plans.guide, plans.guide.levels.timestep(sigma)
        answer: Tensor | None = None
        for question in plans.questions(self.calls, self._without_negative(self.calls, sigma)):
            count = len(question.factors)
            seen, told = x.repeat(count, 1, 1, 1), question.conditioning
            denoised = guide.ask(seen, sigma, timestep, told, as_noise=guide.as_noise)
            apart = denoised.view(count, *x.shape)
            if question.negative is not None:
                self._negative = apart[question.negative]
            weighed = (apart * question.factors).sum(0)
            answer = weighed if answer is None else answer + weighed
        self.calls += 1
        return torch.zeros_like(x) if answer is None else answer

    def negative(self) -> Tensor:
        """What the negative prompt alone gave at the last call, [B,C,h,w]; where it was left out, the first prompt."""
        assert self._negative is not None
        return self._negative
