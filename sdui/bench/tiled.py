"""What drawing a wide picture takes in memory, whole and in windows; each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .rows import Row

_WIDTH, _HEIGHT, _WINDOW, _STRIDE = 1024, 512, 16, 8
_CHECKPOINT = Path(__file__).parents[2] / "models/Stable-diffusion/sdui-demo.safetensors"
_PEAK, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure_tiled(checkpoint: Path = _CHECKPOINT) -> Iterator[Row]:
    """Rows for a small checkpoint: the peak above what the process had before it drew, in MB. On Linux alone."""
    if not _RESET.exists():
        return
    peaks = {name: _peak(checkpoint, window) for name, window in (("whole", 0), ("in windows", _WINDOW))}
    for name, peak in peaks.items():
        yield Row(f"{_WIDTH}x{_HEIGHT}, {checkpoint.stem}", f"memory to draw it {name}", peak, "MB")
    ratio = peaks["in windows"] / peaks["whole"]
    yield Row(f"{_WIDTH}x{_HEIGHT}, {checkpoint.stem}", "in windows / whole", ratio)


def _peak(checkpoint: Path, window: int) -> float:
    # What is freed is to go back to the system at once, so that the peak is that of what is in use.
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__, str(checkpoint), str(window)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _draw(checkpoint: Path, window: int) -> None:
    """Prints the peak."""
    import tempfile

    from sdui.builtin import all as builtin
    from sdui.builtin.tiled_diffusion.params import TiledDiffusion
    from sdui.core.events import StopToken
    from sdui.core.groups import having
    from sdui.core.request import GenerationRequest
    from sdui.core.settings import Preferences
    from sdui.engine.engine import Engine
    from sdui.extensions.host import Host
    from sdui.models.files import ModelFiles
    from sdui.models.store import ModelStore
    from sdui.sampling.registry import builtin as samplers

    host = Host()
    builtin.add_all(host, ["params", "engine"])
    with tempfile.TemporaryDirectory() as work:
        files = ModelFiles({"checkpoint": [checkpoint.parent]}, Path(work) / "cache")
        engine = Engine(ModelStore(files, "cpu", "fp32"), samplers(), Path(work), host=host)
        plain = host.request(GenerationRequest, "always")(prompt="a red circle", seed=1, steps=2, model=checkpoint.stem)
        quiet = Preferences(live_previews_enable=False)
        engine.run(plain.model_copy(update={"width": 64, "height": 64}), quiet, lambda event: None, StopToken())
        wide = plain.model_copy(update={"width": _WIDTH, "height": _HEIGHT})
        if window:
            wide = having(wide, TiledDiffusion(window_size=window, stride=_STRIDE))
        _RESET.write_text("5")
        before = _status("VmHWM")
        engine.run(wide, quiet, lambda event: None, StopToken())
        sys.stdout.write(f"{json.dumps(_status('VmHWM') - before)}\n")
        engine.close()


def _status(name: str) -> float:
    """In MB."""
    line = next(line for line in _PEAK.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    _draw(Path(sys.argv[1]), int(sys.argv[2]))
