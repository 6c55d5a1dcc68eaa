"""How long merging takes, and how much memory, against the largest tensor of the models."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors import safe_open  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

from sdui.core.events import StopToken
from sdui.core.merging import ADD_DIFFERENCE, METHODS, WEIGHTED_SUM, MergeRequest
from sdui.models.files import ModelFiles
from sdui.models.merging import merge
from sdui.models.tensor_parts import TensorReader
from sdui.models.tensor_writing import in_file_order, safetensors_head, write_numbers

from .random_checkpoint import TINY, Sizes, write_random_checkpoint
from .rows import Row

_MULTIPLIER = 0.3
_CHECKED = 40
"""One tensor of so many is computed again."""


def measure_merging(full: bool) -> Iterator[Row]:
    """full: three checkpoints of Stable Diffusion 1.5's size, 8 GB on the disk for a while."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "models"
        first = folder / "a.safetensors"
        write_random_checkpoint(first, Sizes() if full else TINY)
        for other, factor in (("b", 0.5), ("c", -2.0)):
            _write_scaled(first, folder / f"{other}.safetensors", factor)
        largest = max(slot.bytes for slot in TensorReader(first).slots.values())
        group = f"merging {'SD 1.5 size' if full else 'tiny'}, fp16"
        yield Row(group, "one file", first.stat().st_size / 2**20, "MB")
        yield Row(group, "largest tensor", largest / 2**20, "MB")
        for method in METHODS:
            seconds, grown = _in_fresh_process(folder, method)
            yield Row(group, f"{method}, time", seconds, "s")
            yield Row(group, f"{method}, peak memory", grown / 2**20, "MB")
            if full:  # in a tiny one the code itself takes more than any tensor
                yield Row(group, f"{method}, peak memory / (1.2 largest + output)", grown / (2.2 * largest))
            yield Row(group, f"{method}, tensors unlike the formula", _wrong(folder, method))
            (folder / "out.safetensors").unlink()


def _write_scaled(source: Path, target: Path, factor: float) -> None:
    """Another checkpoint of the same shapes."""
    reader = TensorReader(source)
    with target.open("wb") as file:
        file.write(safetensors_head(reader.slots, {}))
        for name in in_file_order(reader.slots):
            write_numbers(file, (part * factor for part in reader.parts(name)))


def _in_fresh_process(folder: Path, method: str) -> tuple[float, int]:
    """Seconds and bytes by which the process grew at most, without what importing takes."""
    command = [sys.executable, "-m", "sdui.bench.merging", str(folder), method]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, grown = json.loads(done.stdout)
    return seconds, grown


def _wrong(folder: Path, method: str) -> int:
    opened: list[Any] = [safe_open(folder / f"{name}.safetensors", "pt") for name in ("a", "b", "c", "out")]
    wrong = 0
    for name in sorted(opened[0].keys())[::_CHECKED]:
        a, b, c, out = (file.get_tensor(name) for file in opened)
        wrong += not torch.equal(out, _formula(method, a.float(), b.float(), c.float()).half())
    return wrong


def _formula(method: str, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    if method == WEIGHTED_SUM:
        return a * (1 - _MULTIPLIER) + b * _MULTIPLIER
    return a + (b - c) * _MULTIPLIER if method == ADD_DIFFERENCE else a


def _run(folder: Path, method: str) -> None:
    """Hashes are computed before: they are kept for good, and are no part of merging."""
    files = ModelFiles({"checkpoint": [folder]}, folder.parent / "cache")
    for file in files.checkpoints():
        files.sha256(file)
    request = MergeRequest(
        primary="a", secondary="b", tertiary="c", output="out", method=method, multiplier=_MULTIPLIER
    )
    before, begun = psutil.Process().memory_info().rss, time.perf_counter()
    peak = _Peak()
    merge(request, files, lambda event: None, StopToken())
    json.dump([time.perf_counter() - begun, peak.bytes() - before], sys.stdout)


class _Peak:
    """The most memory the process had from now on; where the system cannot forget earlier peaks, ever."""

    def __init__(self) -> None:
        forget = Path("/proc/self/clear_refs")
        if forget.exists():
            forget.write_text("5")

    def bytes(self) -> int:
        status = Path("/proc/self/status")
        if status.exists():
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            return int(line.split()[1]) * 1024
        memory: Any = psutil.Process().memory_info()
        return getattr(memory, "peak_wset", memory.rss)


if __name__ == "__main__":
    _run(Path(sys.argv[1]), sys.argv[2])
