"""How long the parts of something took that come one after the other."""

from __future__ import annotations

import time


class Stopwatch:
    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.records: dict[str, float] = {}
        """Seconds by part."""

    def lap(self, part: str) -> None:
        """A part has ended; the next begins."""
        now = time.perf_counter()
        self.records[part], self._last = now - self._last, now
