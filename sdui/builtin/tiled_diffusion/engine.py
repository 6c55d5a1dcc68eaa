"""Asks the network about overlapping windows and takes the mean where they overlap (MultiDiffusion, arXiv:2302.08113).

The mean is that of the pictures without noise. At one noise level they are a fixed linear function of the predicted
noise, so that is the paper's mean as well, before or after guidance.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from sdui.core.groups import values_of
from sdui.engine.run import Run
from sdui.extensions.contracts import Ask
from sdui.extensions.hooks import hook
from sdui.models.families.base import Conditioning, LoadedModel

from .params import TiledDiffusion

Window = tuple[slice, slice]
"""Rows and columns of latent cells."""


@hook
def around_model(run: Run, ask: Ask) -> Ask | None:
    values = values_of(run.request, TiledDiffusion)
    if values is None:
        return None

    def ask_windows(x: Tensor, sigma: float, timestep: float, conditioning: Any, *, as_noise: bool = False) -> Tensor:
        windows = _windows(x.shape[2], x.shape[3], values)
        if len(windows) == 1:
            return ask(x, sigma, timestep, conditioning, as_noise=as_noise)
        total, count = torch.zeros_like(x), x.new_zeros(1, 1, *x.shape[2:])
        for at in range(0, len(windows), values.views_batch_size):
            some = windows[at : at + values.views_batch_size]
            seen = torch.cat([x[..., *window] for window in some])
            told = _told(conditioning, some)
            answers = ask(seen, sigma, timestep, told, as_noise=as_noise).chunk(len(some))
            for window, answer in zip(some, answers, strict=True):
                total[..., *window] += answer
                count[..., *window] += 1
        return total / count

    return ask_windows


@hook
def patch_model(run: Run, model: LoadedModel) -> Any:
    values = values_of(run.request, TiledDiffusion)
    cells = max(run.request.width, run.request.height) // model.latent.downscale
    larger = values is not None and (run.request.hires is not None or cells > values.window_size)
    return _sparing(model) if larger else None


@contextmanager
def _sparing(model: LoadedModel) -> Generator[None]:
    """The VAE would else need more memory than all of the windows."""
    vae = model.autoencoder
    before, vae.sparing = vae.sparing, True
    try:
        yield
    finally:
        vae.sparing = before


def _windows(rows: int, columns: int, values: TiledDiffusion) -> list[Window]:
    """They cover everything; the last ones of a row and column end at the edge."""
    down, across = (_starts(length, values) for length in (rows, columns))
    size = values.window_size
    return [(slice(top, top + size), slice(left, left + size)) for top in down for left in across]


def _starts(length: int, values: TiledDiffusion) -> list[int]:
    last = max(0, length - values.window_size)
    return [*range(0, last, min(values.stride, values.window_size)), last]


def _told(conditioning: Conditioning, windows: list[Window]) -> Conditioning:
    """For each window its part of what the network sees, and the whole of what it is told."""
    concat = conditioning.concat
    times = len(windows)
    return Conditioning(
        conditioning.context.repeat(times, 1, 1),
        None if conditioning.vector is None else conditioning.vector.repeat(times, 1),
        None if concat is None else torch.cat([concat[..., *window] for window in windows]),
    )
