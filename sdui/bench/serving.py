"""A real server for measurements, started as a user starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 180
"""Seconds after which a server counts as hung."""


@contextmanager
def serving(data: Path, *options: str) -> Generator[tuple[subprocess.Popen[bytes], str, float]]:
    """A server on the repository's models with its own data folder; its URL and when it was started.

    options: more start options.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*_program(), "--port", str(port), "--data-dir", str(data)]
    begun = time.perf_counter()
    with subprocess.Popen(
        [*command, *options, "--models-dir", str(ROOT / "models")],
        cwd=ROOT,
        env=os.environ | {"VENV_DIR": sys.prefix, "COMMANDLINE_ARGS": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield server, f"http://127.0.0.1:{port}", begun
        finally:
            server.terminate()


def _program() -> list[str]:
    """What a person types, where webui.sh has set up the environment; else what it would start."""
    installed = os.name != "nt" and Path(sys.prefix, "sdui-installed").exists()
    return [str(ROOT / "webui.sh")] if installed else [sys.executable, "webui.py"]


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(PATIENCE * 50):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with code {server.returncode}; start webui.py to see why")
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{url} did not answer in {PATIENCE} s")
