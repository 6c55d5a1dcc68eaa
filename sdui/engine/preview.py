"""The picture of an unfinished batch that the page shows while it forms."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from PIL import Image
from torch import Tensor

_LONGEST = 16384
"""Pixels of a side; JPEG takes four times as many, browsers and graphics cards often do not."""

_SHARE = 0.02
"""Of the time that a batch takes, how much may go into showing it."""


class PreviewBudget:
    """Keeps previews from slowing a batch down: the first one is free, then each waits until its time was earned."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun = clock()
        self._spent = self._last = 0.0

    def allows(self) -> bool:
        earned = _SHARE * (self._clock() - self._begun)
        return self._spent == 0 or self._spent + self._last <= earned

    @contextmanager
    def spending(self, latents: Tensor) -> Generator[None]:
        """Around the making of one. latents: what has to be computed before it, which counts as drawing."""
        if latents.is_cuda:
            torch.cuda.synchronize(latents.device)
        since = self._clock()
        try:
            yield
        finally:
            self._last = self._clock() - since
            self._spent += self._last


def preview_jpeg(images: Tensor, width: int) -> bytes:
    """[B,3,h,w] in 0..1 -> a JPEG with the batch side by side, each picture `width` pixels wide where that fits."""
    strip = images.permute(2, 0, 3, 1).flatten(1, 2)
    pixels = (strip * 255).byte().cpu().numpy()
    count, rows, columns = len(images), *images.shape[2:]
    width = max(1, min(width, _LONGEST // count, _LONGEST * columns // rows))
    height = max(1, min(round(width * rows / columns), _LONGEST))
    encoded = io.BytesIO()
    Image.fromarray(pixels).resize((width * count, height), Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=85)
    return encoded.getvalue()
