"""How long a user waits: for the page, for the first picture; measured on a real server and browser."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from .page import READY, chromium
from .rows import Row
from .serving import serving, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

_GROUP = "start"


def measure_start() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, chromium() as page:
        yield from _first_start(Path(folder), page)
        yield from _later_start(Path(folder), page)


def _first_start(data: Path, page: Page | None) -> Iterator[Row]:
    """It has to read the folders before it can show them."""
    with serving(data) as (server, url, begun):
        wait_for(f"{url}/internal/ping", server)
        if page:
            page.goto(url)
            page.wait_for_selector(READY)
            yield Row(_GROUP, "usable page, first start with a data folder", time.perf_counter() - begun, "s")


def _later_start(data: Path, page: Page | None) -> Iterator[Row]:
    """A browser that is open already, as a person's is."""
    with serving(data) as (server, url, begun):
        peak = _PeakMemory(server.pid)
        wait_for(f"{url}/internal/ping", server)
        yield Row(_GROUP, "server: first byte", time.perf_counter() - begun, "s")
        if page is None:
            yield Row(_GROUP, "page in a browser", "no Chromium or playwright here")
        else:
            page.goto(url)
            page.wait_for_selector(READY)
            yield Row(_GROUP, "usable page", time.perf_counter() - begun, "s")
            for what in ("first picture since the start", "second picture since its click"):
                clicked = begun if what.startswith("first") else time.perf_counter()
                page.fill("#txt2img_prompt textarea", f"a red apple, 3d style, {what}")
                page.click("#txt2img_generate")
                page.wait_for_selector("#txt2img_interrupt")
                page.wait_for_selector(READY)
                page.wait_for_selector("#txt2img_gallery img")
                yield Row(_GROUP, what, time.perf_counter() - clicked, "s")
        yield Row(_GROUP, "server: peak memory", peak.stop() / 2**20, "MB")


class _PeakMemory:
    """Watches the resident memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The highest sum seen, in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            try:
                family = [self._process, *self._process.children(recursive=True)]
                self._peak = max(self._peak, sum(one.memory_info().rss for one in family))
            except psutil.NoSuchProcess:
                return
