"""What a sampling step costs in Python: the engine's own loop around a network that answers at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from sdui.core.events import Progress, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.engine.engine import Engine
from sdui.models.store import ModelStore

from .rows import Row

_SAMPLERS = ("Euler", "DPM++ 2M")
_STEPS = 60


def measure_step_cost(engine: Engine, store: ModelStore, side: int) -> Iterator[Row]:
    """Median time between two steps at batch 1 without previews; `side` in pixels."""
    with store.lease("", "", lambda name: None) as lease:
        model: Any = lease.model
    unet = model.unet
    model.unet = _Idle(unet)
    try:
        for sampler in _SAMPLERS:
            request = GenerationRequest(prompt="a red apple", seed=1, steps=_STEPS, width=side, height=side)
            cost = _median_step(engine, request.model_copy(update={"sampler": sampler}))
            yield Row(f"{side}x{side}, batch 1", f"Python per step, {sampler}", cost * 1000, "ms")
    finally:
        model.unet = unet


def _median_step(engine: Engine, request: GenerationRequest) -> float:
    seen: list[float] = []

    def emit(event: object) -> None:
        if isinstance(event, Progress) and event.stage == "Sampling":
            seen.append(time.perf_counter())

    engine.run(request, Preferences(live_previews_enable=False), emit, StopToken())
    return statistics.median(later - earlier for earlier, later in pairwise(seen))


class _Idle:
    """Stands in for a network and answers at once."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._answer = torch.zeros(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor]:
        if self._answer.shape != x.shape:
            self._answer = torch.zeros_like(x)
        return (self._answer,)
