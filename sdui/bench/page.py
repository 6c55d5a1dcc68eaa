"""What the page costs a browser: weight, time until it can be used, previews, typing; measured in Chromium."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any, cast

from .rows import Row
from .serving import PATIENCE, serving, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

_GROUP = "page"
_TYPED = "a red apple on a blue background, (3d style:1.2), <lora:none:0.5>, "
READY = "html:not([inert]) #txt2img_generate:not([disabled])"
"""When the page can be used."""
_WATCH_KEYS = """() => {
    window.latencies = [];
    document.addEventListener("keydown", event => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => requestAnimationFrame(
            () => window.latencies.push(performance.now() - event.timeStamp));
        document.addEventListener("input", () => channel.port2.postMessage(0), { once: true });
    }, true);
}"""
"""From a key to the first frame after its letter is in the box."""
_COUNT_PREVIEWS = """() => new Promise(done => {
    const seen = new Set();
    const look = () => {
        const picture = document.querySelector("#txt2img_live_preview img");
        if (picture) { seen.add(picture.src.length + picture.src.slice(-40)); setTimeout(look, 50); }
        else done(seen.size);
    };
    look();
})"""
_WEIGHT = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
    .reduce((sum, entry) => [sum[0] + 1, sum[1] + entry.encodedBodySize, sum[2] + entry.decodedBodySize], [0, 0, 0])"""


@contextmanager
def chromium() -> Generator[Page | None]:
    """A page of 1440x900; None where there is no Chromium or no playwright."""
    found = which("chromium") or which("google-chrome")
    if found is None or find_spec("playwright") is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE * 1000)
        yield page
        browser.close()


def measure_page() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (server, url, _), chromium() as page:
        if page is None:
            yield Row(_GROUP, "in a browser", "no Chromium or playwright here")
            return
        wait_for(f"{url}/internal/ping", server)
        for which_time in ("first time", "again"):
            begun = time.perf_counter()
            page.goto(url)
            page.wait_for_selector(READY)
            yield Row(_GROUP, f"time to interactive, {which_time}", time.perf_counter() - begun, "s")
            if which_time == "first time":
                yield from _weight(page)
        yield from _previews(page)
        yield from _typing(page)


def _weight(page: Page) -> Iterator[Row]:
    responses, sent, whole = page.evaluate(_WEIGHT)
    yield Row(_GROUP, "answers until it can be used", responses)
    yield Row(_GROUP, "weight as sent", sent / 2**20, "MB")
    yield Row(_GROUP, "weight unpacked", whole / 2**20, "MB")


def _previews(page: Page) -> Iterator[Row]:
    """The first job loads what the second has; page cost = time of the main thread while a job is followed."""
    busy = _Busy(page)
    page.fill("#txt2img_steps input[type=number]", "40")
    for words in ("first preview after the click, first job", "first preview after the click"):
        page.fill("#txt2img_prompt textarea", words)
        begun = time.perf_counter()
        page.click("#txt2img_generate")
        page.wait_for_selector("#txt2img_live_preview img")
        yield Row(_GROUP, words, time.perf_counter() - begun, "s")
        before, since = busy.seconds(), time.perf_counter()
        shown = page.evaluate(_COUNT_PREVIEWS)
        if words.endswith("click"):
            spent, passed = busy.seconds() - before, time.perf_counter() - since
            yield Row(_GROUP, "main thread while previews come", 100 * spent / passed, "%")
            yield Row(_GROUP, "main thread for a preview and its progress", 1000 * spent / max(shown, 1), "ms")
        page.wait_for_selector(READY)


def _typing(page: Page) -> Iterator[Row]:
    """A frame of 60 a second is waited for even on an empty page, so the same is measured there."""
    busy, text = _Busy(page), _TYPED * 2
    page.evaluate(_WATCH_KEYS)
    page.click("#txt2img_prompt textarea")
    before = busy.seconds()
    page.keyboard.type(text, delay=60)
    yield Row(_GROUP, "main thread for a key in the prompt", 1000 * (busy.seconds() - before) / len(text), "ms")
    yield Row(_GROUP, "from key to frame, median", _median_latency(page), "ms")
    page.set_content("<textarea></textarea>")
    page.evaluate(_WATCH_KEYS)
    page.click("textarea")
    page.keyboard.type(text, delay=60)
    yield Row(_GROUP, "from key to frame, median on an empty page", _median_latency(page), "ms")


def _median_latency(page: Page) -> float:
    page.wait_for_function("() => window.latencies.length > 100")
    return statistics.median(cast("list[float]", page.evaluate("() => window.latencies")))


class _Busy:
    """How long the page's main thread has worked."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        # Chromium counts from here on.
        self._session.send("Performance.enable")

    def seconds(self) -> float:
        answer = cast("dict[str, Any]", self._session.send("Performance.getMetrics"))
        return next(float(metric["value"]) for metric in answer["metrics"] if metric["name"] == "TaskDuration")
