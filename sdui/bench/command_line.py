"""How long the command line takes: --help, and many prompts in one run against a run for each."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .rows import Row
from .serving import ROOT

_GROUP = "command line"
_PROMPTS = 20
_FEWER = 4
"""Of a quick run."""
_ROUNDS = 5
_DRAWING = ("--steps", "4", "--W", "64", "--H", "64", "--n_iter", "1", "--n_samples", "1", "--device", "cpu")


def measure_command_line(full: bool) -> Iterator[Row]:
    """full: with as many prompts as a batch user has."""
    for name, command in (("webui.py --help", ()), ("webui.py generate --help", ("generate",))):
        yield Row(_GROUP, name, statistics.median(_timed(*command, "--help") for _ in range(_ROUNDS)), "s")
    count = _PROMPTS if full else _FEWER
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        prompts = [f"a red apple, 3d style, {number}" for number in range(count)]
        (data / "prompts.txt").write_text("\n".join(prompts))
        start = ("--data-dir", name, "--models-dir", str(ROOT / "models"), *_DRAWING)
        _timed("generate", prompts[0], *start)  # hashes the checkpoint, once for good
        together = _timed("generate", "--from-file", str(data / "prompts.txt"), *start)
        alone = sum(_timed("generate", prompt, *start) for prompt in prompts)
    yield Row(_GROUP, f"generate --from-file, {count} prompts", together, "s")
    yield Row(_GROUP, f"generate, {count} runs of one prompt", alone, "s")
    yield Row(_GROUP, f"{count} runs / one with --from-file", alone / together)


def _timed(*arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "webui.py", *arguments], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - begun
