"""How long a user waits: for --help, for the page, for the first picture; measured on a real server and browser."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import psutil

from .rows import Row
from .serving import PATIENCE, ROOT, serving, wait_for

_GROUP = "start"


def measure_start() -> Iterator[Row]:
    yield Row(_GROUP, "webui.py --help", statistics.median(_help() for _ in range(3)), "s")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (server, url, begun):
        peak = _PeakMemory(server.pid)
        wait_for(f"{url}/internal/ping", server)
        yield Row(_GROUP, "server: first byte", time.perf_counter() - begun, "s")
        yield from _browser(url, begun)
        yield Row(_GROUP, "server: peak memory", peak.stop() / 2**20, "MB")


def _help() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "webui.py", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def _browser(url: str, begun: float) -> Iterator[Row]:
    """What a person sees, in Chromium; without one the rows say so."""
    chromium = which("chromium") or which("google-chrome")
    if chromium is None or find_spec("playwright") is None:
        yield Row(_GROUP, "page in a browser", "no Chromium or playwright here")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.locator("html:not([inert])").get_by_role("button", name="Generate", exact=True).wait_for(
            timeout=PATIENCE * 1000
        )
        yield Row(_GROUP, "server: usable page", time.perf_counter() - begun, "s")
        for what in ("first picture since the start", "second picture since its click"):
            clicked = begun if what.startswith("first") else time.perf_counter()
            page.get_by_label("Prompt", exact=True).first.fill(f"a red apple, 3d style, {what}")
            page.get_by_role("button", name="Generate", exact=True).click()
            page.get_by_role("button", name="Interrupt").wait_for(state="visible")
            page.get_by_role("button", name="Generate", exact=True).wait_for(timeout=PATIENCE * 1000)
            page.locator("#txt2img_gallery img").first.wait_for()
            yield Row(_GROUP, f"server: {what}", time.perf_counter() - clicked, "s")
        browser.close()


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
