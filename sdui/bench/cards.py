"""How long a user with 10,000 LoRA files waits for their cards, and how smoothly they scroll; measured in Chromium."""

from __future__ import annotations

import json
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .page import READY, chromium
from .rows import Row
from .serving import serving, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

_GROUP = "cards"
_FILES = 10_000
_FOLDERS = 20
_SCROLLING = 5
"""Seconds."""
_FRAMES = """() => {
  window.frames = [];
  let last = performance.now();
  const next = (now) => { frames.push(now - last); last = now; requestAnimationFrame(next); };
  requestAnimationFrame(next);
}"""


def measure_cards() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        loras = Path(folder, "loras")
        _make_stand_ins(loras)
        with (
            serving(Path(folder), "--lora-dir", str(loras), "--skip-load-model-at-start") as (server, url, _),
            chromium() as page,
        ):
            if page is None:
                yield Row(_GROUP, "in a browser", "no Chromium or playwright here")
                return
            wait_for(f"{url}/internal/ping", server)
            page.goto(url)
            page.wait_for_selector(READY)
            yield from _opening(page)
            yield from _scrolling(page)


def _opening(page: Page) -> Iterator[Row]:
    clicked = time.perf_counter()
    page.click("#txt2img_lora-button")
    page.wait_for_selector("#txt2img_lora_cards .card")
    yield Row(_GROUP, f"open the tab with {_FILES} LoRAs", time.perf_counter() - clicked, "s")
    for words in ("9999", "number 123"):
        begun = time.perf_counter()
        page.fill("#txt2img_lora_extra_search", words)
        page.wait_for_selector(f"#txt2img_lora_cards .card b:text-is('lora {words.split()[-1]}')")
        yield Row(_GROUP, f"found {words!r}, with 0.15 s for typing", time.perf_counter() - begun, "s")
    page.fill("#txt2img_lora_extra_search", "")
    page.wait_for_selector("#txt2img_lora_cards .card b:text-is('lora 0')")


def _scrolling(page: Page) -> Iterator[Row]:
    """With the wheel, then with the scroll bar over all cards."""
    page.hover("#txt2img_lora_cards")
    page.evaluate(_FRAMES)
    for how in ("wheel", "scroll bar"):
        page.evaluate("frames.splice(0)")
        begun = time.perf_counter()
        while (done := (time.perf_counter() - begun) / _SCROLLING) < 1:
            if how == "wheel":
                page.mouse.wheel(0, 240)
            else:
                page.evaluate("done => { const g = txt2img_lora_cards; g.scrollTop = g.scrollHeight * done; }", done)
            page.wait_for_timeout(16)
        frames: list[float] = page.evaluate("frames.splice(0)")
        yield Row(_GROUP, f"scrolling, {how}: worst frame of {len(frames)}", max(frames), "ms")


def _make_stand_ins(folder: Path) -> None:
    """Files without tensors; every tenth has notes."""
    tags = json.dumps({"10_stand_ins": {f"tag {number}": number for number in range(30)}})
    header = json.dumps({"__metadata__": {"ss_network_dim": "8", "ss_tag_frequency": tags}}).encode()
    for number in range(_FILES):
        path = folder / f"folder {number % _FOLDERS}" / f"lora {number}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        if number % 10 == 0 or number == 123:
            path.with_suffix(".json").write_text(json.dumps({"description": f"This is number {number}"}))


if __name__ == "__main__":
    for row in measure_cards():
        print(f"{row.what} = {row.value} {row.unit}", flush=True)  # noqa: T201
