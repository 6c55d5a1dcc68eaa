"""Networks beside the checkpoints - upscalers, face restorers, interrogators: leased like them, and freed again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch

from . import memory

T = TypeVar("T")

_KEPT = 1
"""Networks that nobody uses and that stay for the next picture."""


class SideModels:
    """What is leased, and the one that was used last."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        """dtype: of networks that can bear half precision."""
        self.device, self.dtype = device, dtype
        self._changing = threading.RLock()
        self._idle: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    @contextmanager
    def lease(self, path: Path, load: Callable[[], T], *, keep: bool = True) -> Generator[T]:
        """What `load` makes of the file or folder, or made of it before. Not `keep`: freed as soon as it is returned.

        Raises what `load` raises.
        """
        stat = path.stat()
        key = (path, stat.st_size, stat.st_mtime_ns)
        with self._changing:
            if key not in self._idle:
                self.drop_idle()
            held = self._idle.pop(key, None)
        # Weights made under inference mode could only be used there.
        with torch.inference_mode(False):
            network: Any = load() if held is None else held
        try:
            yield network
        finally:
            with self._changing:
                if keep:
                    self._idle[key] = network
                    while len(self._idle) > _KEPT:
                        self._idle.popitem(last=False)
                else:
                    del network
                    held = None
                    memory.give_back()

    def drop_idle(self) -> None:
        with self._changing:
            if self._idle:
                self._idle.clear()
                memory.give_back()
