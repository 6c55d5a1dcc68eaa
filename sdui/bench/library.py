"""How long a user with 10,000 LoRA files waits for the page; cards.py measures the cards of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .page import READY, chromium
from .rows import Row
from .serving import serving, wait_for

_GROUP = "library"
_FILES = 10_000
_FOLDERS = 20


def measure_library() -> Iterator[Row]:
    """Each server starts twice: the first start has no index yet."""
    with tempfile.TemporaryDirectory() as folder:
        empty, full = Path(folder, "none"), Path(folder, "many")
        empty.mkdir()
        _make_stand_ins(full)
        for loras, words in ((empty, "no LoRA"), (full, f"{_FILES} LoRAs")):
            data = Path(folder, f"data of {loras.name}")
            data.mkdir()
            for start in ("first", "second"):
                yield from _start(data, loras, f"{words}, {start} start")


def _start(data: Path, loras: Path, what: str) -> Iterator[Row]:
    with serving(data, "--lora-dir", str(loras)) as (server, url, begun):
        wait_for(f"{url}/internal/ping", server)
        yield Row(_GROUP, f"{what}: first byte", time.perf_counter() - begun, "s")
        yield from _browser(url, begun, what)


def _browser(url: str, begun: float, what: str) -> Iterator[Row]:
    with chromium() as page:
        if page is None:
            yield Row(_GROUP, f"{what}: page in a browser", "no Chromium or playwright here")
            return
        page.goto(url)
        page.wait_for_selector(READY)
        yield Row(_GROUP, f"{what}: usable page", time.perf_counter() - begun, "s")


def _make_stand_ins(folder: Path) -> None:
    for number in range(_FILES):
        place = folder / f"folder {number % _FOLDERS}" / f"lora {number}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
