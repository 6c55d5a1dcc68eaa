"""Real servers in processes of their own."""

import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def serving(data, *options, patience=120):
    """webui.py on `data`; its URL and a function that returns what it has printed so far."""
    port, log = free_port(), data / "server.log"
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "webui.py", "--port", str(port), "--data-dir", str(data), *map(str, options)]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as server:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/internal/ping") or server.poll() is not None, patience)
            assert server.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}", log.read_text
            assert server.poll() is None, "the server has died: " + log.read_text()
        finally:
            server.terminate()


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


def wait_until(condition, patience=30):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
