"""Full-size checkpoints with random weights: how long loading takes against reading the file once, and what memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from sdui.core.events import StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.engine.engine import Engine
from sdui.models import memory
from sdui.models.families import family_of
from sdui.models.families.base import Source
from sdui.models.files import ModelFiles
from sdui.models.header import read_header
from sdui.models.store import ModelStore
from sdui.sampling.registry import builtin

from .random_checkpoint import SD15, SD21, SDXL, SDXL_REFINER, TINY, Sizes, write_random_checkpoint
from .rows import Row

_CASES: dict[str, tuple[Sizes, tuple[str, ...]]] = {
    "SD 1.5": (SD15, ("fp16", "fp32")),
    "SD 2.1": (SD21, ("fp16",)),
    "SDXL base": (SDXL, ("fp16",)),
    "SDXL refiner": (SDXL_REFINER, ("fp16",)),
}
"""The files are in float16; the precisions that they are loaded in."""
_PIECE = 8 * 2**20
_ROUNDS = 3


def measure_loading() -> Iterator[Row]:
    """Needs 7 GB on the disk and in memory; each load runs in a process of its own."""
    for name, (sizes, precisions) in _CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "full.safetensors"
            write_random_checkpoint(path, sizes)
            if family_of(read_header(path).shapes) is None:
                yield Row(name, "load", "of a family that this version does not draw with")
                continue
            for precision in precisions:
                yield from measure_file(f"{name}, {precision}", path, precision)


def measure_file(group: str, path: Path, precision: str) -> Iterator[Row]:
    """Load, draw 64x64 pixels in two steps and unload, in a new process."""
    command = [sys.executable, "-m", "sdui.bench.loading", str(path), precision]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    for what, value, unit in json.loads(done.stdout.splitlines()[-1]):
        yield Row(group, what, value, unit)


def _measured(path: Path, precision: str) -> Iterator[tuple[str, float, str]]:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_random_checkpoint(work / "tiny" / "tiny.safetensors", TINY)
        # What only a process's first model needs, imports above all, is not part of a load.
        _drawn(work / "tiny", "bf16", work)
        _load(work / "tiny" / "tiny.safetensors", precision)
        memory.give_back()
        # First, while nothing that was freed before is there to be used again.
        yield from _memory(path, precision)
        yield from _times(path, precision)
        memory.give_back()
        before = _resident()
        yield "load, hash, draw 64x64 in 2 steps", _drawn(path.parent, "bf16", work), "s"
        memory.give_back()
        yield "memory left after unloading", (_resident() - before) / 2**20, "MB"


def _times(path: Path, precision: str) -> Iterator[tuple[str, float, str]]:
    """The best of some rounds, in turn: first with the file out of the system's cache, then with it there."""
    tasks = {"reading the file through": _read_through, "reading the file into memory": _read, "load": _load}
    for cache, prepare in (("not cached", _forget), ("cached", _read_through)):
        times: dict[str, list[float]] = {what: [] for what in tasks}
        for _ in range(_ROUNDS):
            for what, task in tasks.items():
                memory.give_back()
                prepare(path)
                begun = time.perf_counter()
                task(path, precision)
                times[what].append(time.perf_counter() - begun)
        best = {what: min(taken) for what, taken in times.items()}
        for what, taken in best.items():
            yield f"{what}, {cache}", taken, "s"
        for what in ("reading the file through", "reading the file into memory"):
            yield f"load / {what}, {cache}", best["load"] / best[what], ""


def _memory(path: Path, precision: str) -> Iterator[tuple[str, float, str]]:
    """Only Linux keeps a peak that can be set back."""
    if not Path("/proc/self/clear_refs").exists():
        return
    before = _resident()
    Path("/proc/self/clear_refs").write_text("5")
    model = _load(path, precision)
    peak = _status("VmHWM") - before
    size = sum(tensor.nbytes for network in _networks(model) for tensor in network.state_dict().values())
    yield "weights in memory", size / 2**20, "MB"
    yield "peak memory of the load / weights", peak / size, ""


def _load(path: Path, precision: str) -> Any:
    family = family_of(read_header(path).shapes)
    assert family is not None
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    return family.load(Source(path, None, torch.device("cpu"), dtype, (), dtype))


def _drawn(folder: Path, precision: str, work: Path) -> float:
    """Seconds, from nothing to a picture."""
    store = ModelStore(ModelFiles({"checkpoint": [folder]}, work / "cache"), device="cpu", precision=precision)
    engine = Engine(store, builtin(), work)
    begun = time.perf_counter()
    request = GenerationRequest(prompt="a red apple", seed=1, steps=2, sampler="Euler", width=64, height=64)
    engine.run(request, Preferences(live_previews_enable=False), lambda event: None, StopToken())
    taken = time.perf_counter() - begun
    store.unload_all()
    return taken


def _networks(model: Any) -> Iterator[torch.nn.Module]:
    yield from (model.unet, model.vae, *model.text_encoders)


def _read(path: Path, _precision: str = "") -> None:
    path.read_bytes()


def _read_through(path: Path, _precision: str = "") -> None:
    """Piece after piece into the same memory, keeping nothing."""
    piece = bytearray(_PIECE)
    with path.open("rb", buffering=0) as file:
        while file.readinto(piece):
            pass


def _forget(path: Path) -> None:
    """Ask the system to drop the file from its cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _resident() -> int:
    return _status("VmRSS")


def _status(key: str) -> int:
    """Bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


if __name__ == "__main__":
    measured = list(_measured(Path(sys.argv[1]), sys.argv[2]))
    print(json.dumps(measured))  # noqa: T201
