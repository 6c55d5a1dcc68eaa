"""How long it takes to go over to another checkpoint, and whether the process grows with it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from sdui.models.files import ModelFiles
from sdui.models.residents import Room
from sdui.models.store import ModelStore

from .random_checkpoint import SD15, write_random_checkpoint
from .rows import Row

_GROUP = "switching, SD 1.5 size, bf16"
_SWITCHES = 50
_NAMES = ("first", "second")


@dataclass(frozen=True, slots=True)
class Series:
    seconds: list[float]
    grown: float
    """By how much the memory of the process has, in percent of what it was after the first two."""
    memory: int
    """Bytes of the process after the first two."""


def measure_switching() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for checkpoint in _NAMES:
            write_random_checkpoint(folder / f"{checkpoint}.safetensors", SD15)
        files = ModelFiles({"checkpoint": [folder]}, folder / "cache")
        for checkpoint in _NAMES:
            files.sha256(files.find(checkpoint))  # once for each file, and not part of a switch
        store = ModelStore(files, device="cpu", precision="bf16")
        yield Row(_GROUP, "first load", _switch(store, _NAMES[0]), "s")
        for what, kept in (("read again", 1), ("both in RAM", 2)):
            series = switched(store, kept, _SWITCHES)
            yield Row(_GROUP, f"switch, {what}", statistics.median(series.seconds), "s")
            yield Row(_GROUP, f"memory after two switches, {what}", series.memory / 2**20, "MB")
            yield Row(_GROUP, f"memory grown over {_SWITCHES} switches, {what}", series.grown, "%")


def switched(store: ModelStore, kept: int, times: int) -> Series:
    """To and fro between two checkpoints, of which so many stay in memory."""
    store.room = Room(checkpoints=kept)
    for name in _NAMES:
        _switch(store, name)
    process = psutil.Process()
    before = process.memory_info().rss
    seconds = [_switch(store, _NAMES[i % 2]) for i in range(times)]
    return Series(seconds, 100 * (process.memory_info().rss / before - 1), before)


def _switch(store: ModelStore, name: str) -> float:
    begun = time.perf_counter()
    with store.lease(name, "", lambda name: None):
        return time.perf_counter() - begun
