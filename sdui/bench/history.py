"""How long a user with 50,000 saved pictures waits for the History tab, and how smoothly it scrolls."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from sdui.history.database import Database
from sdui.history.entries import Entry, version_of

from .page import READY, chromium
from .rows import Row
from .serving import serving, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

_GROUP = "history"
_PICTURES = 50_000
_DAYS = 50
"""Each has a picture of its own, to which the others are hard links."""
_WORDS = 3000
_PROMPT = 40
"""Words."""
_NEWEST = datetime(2026, 11, 20)
_SCROLLING = 5
"""Seconds."""
_FRAMES = """() => {
  window.frames = []; window.tasks = [0];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const next = (now) => { frames.push(now - last); last = now; requestAnimationFrame(next); };
  requestAnimationFrame(next);
}"""


def measure_history() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        begun = time.perf_counter()
        _make_stand_ins(data)
        yield Row(_GROUP, f"{_PICTURES} stand-ins put into the index", time.perf_counter() - begun, "s")
        with serving(data, "--skip-load-model-at-start") as (server, url, _):
            wait_for(f"{url}/internal/ping", server)
            yield from _browser(url)


def _browser(url: str) -> Iterator[Row]:
    with chromium() as page:
        if page is None:
            yield Row(_GROUP, "tab in a browser", "no Chromium or playwright here")
            return
        page.goto(url)
        page.wait_for_selector(READY)
        clicked = time.perf_counter()
        page.locator("#tab_history-button").click()
        page.locator(".history-card").first.wait_for()
        yield Row(_GROUP, "open the tab: list", time.perf_counter() - clicked, "s")
        page.wait_for_function("document.querySelector('.history-card img').naturalWidth")
        yield Row(_GROUP, "open the tab: first picture", time.perf_counter() - clicked, "s")
        yield from _scrolling(page)
        yield from _searching(page)


def _scrolling(page: Page) -> Iterator[Row]:
    """With the wheel, then with the scroll bar over all pictures."""
    page.locator("#history_grid").hover()
    for how in ("wheel", "scroll bar"):
        page.evaluate(_FRAMES)
        begun = time.perf_counter()
        while (done := (time.perf_counter() - begun) / _SCROLLING) < 1:
            if how == "wheel":
                page.mouse.wheel(0, 240)
            else:
                page.evaluate("done => { const g = history_grid; g.scrollTop = g.scrollHeight * done; }", done)
            page.wait_for_timeout(16)
        frames, tasks = page.evaluate("[frames.splice(0), tasks.splice(0)]")
        yield Row(_GROUP, f"scrolling, {how}: worst frame of {len(frames)}", max(frames), "ms")
        yield Row(_GROUP, f"scrolling, {how}: longest task", max(tasks), "ms")


def _searching(page: Page) -> Iterator[Row]:
    for text in ("word1", "word12 model:demo date:2026-11", "seed:4321"):
        before = page.locator("#history_count").text_content()
        begun = time.perf_counter()
        page.locator("#history_search").fill(text)
        page.wait_for_function("before => history_count.textContent !== before", arg=before)
        yield Row(_GROUP, f"found {text!r}, with 0.2 s for typing", time.perf_counter() - begun, "s")


def _make_stand_ins(data: Path) -> None:
    """Files with rows in the index that say what is not in them."""
    chance = random.Random(0)
    folder = data / "outputs" / "txt2img-images"
    database = Database(data / "cache" / "history.sqlite3")
    picture = Image.linear_gradient("L").resize((512, 512)).convert("RGB")
    for day in range(_DAYS):
        moment = _NEWEST - timedelta(days=day)
        place = folder / moment.strftime("%Y-%m-%d")
        place.mkdir(parents=True)
        original = place / "00000.png"
        picture.save(original)
        os.utime(original, (moment.timestamp(), moment.timestamp()))
        paths = [original, *(place / f"{number:05}.png" for number in range(1, _PICTURES // _DAYS))]
        for path in paths[1:]:
            os.link(original, path)
        version = version_of(original)
        first = day * len(paths)
        database.put(
            Entry(
                path.relative_to(data).as_posix(),
                version,
                *picture.size,
                first + number,
                " ".join(f"word{chance.randrange(_WORDS)}" for _ in range(_PROMPT)),
                "blurry, low quality",
                "demo 0123456789",
                "style",
                "DPM++ 2M Karras",
            )
            for number, path in enumerate(paths)
        )
    database.close()


if __name__ == "__main__":
    for row in measure_history():
        print(f"{row.what} = {row.value} {row.unit}", flush=True)  # noqa: T201
