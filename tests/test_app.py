"""The whole server with an engine that draws nothing: starts, answers, says what it does, ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from sdui import app
from sdui.core.errors import LaunchError
from sdui.core.launch import Launch
from sdui.extensions.host import Host

ROOT = Path(__file__).parent.parent
SERVER = """
import sys
from sdui import app
from sdui.core.catalog import Catalog, Checkpoint
from sdui.core.launch import read_launch

class Engine:
    def catalog(self):
        return Catalog((Checkpoint("demo", "demo.safetensors"),), ("DPM++ 2M",), ("Automatic",))
    def run(self, task, preferences, emit, stop):
        print(f"task: {task!r}", flush=True)
    def prepare(self, task): ...
    def close(self):
        print("closed", flush=True)

app.build_engine = lambda launch, host: Engine()
app.main(read_launch(sys.argv[1:], {})[0])
print("ended", flush=True)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_starts_answers_and_ends(tmp_path, how):
    (tmp_path / "config.json").write_text(json.dumps({"sd_model_checkpoint": "demo.safetensors"}))
    port = free_port()
    command = [sys.executable, "-c", SERVER, "--port", str(port), "--data-dir", str(tmp_path)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = ""
    for line in server.stdout:
        output += line
        if "The page was ready" in output and "task: " in output:
            break
    assert f"Running on local URL:  http://127.0.0.1:{port}\n" in output
    assert "over the network" not in output
    assert json.loads(get(f"http://127.0.0.1:{port}/internal/ping")) == {}
    assert json.loads(get(f"http://127.0.0.1:{port}/internal/profile-startup"))["records"]["page and API"] > 0
    assert b"sdui" in get(f"http://127.0.0.1:{port}/")
    server.send_signal(how)
    output += server.communicate(timeout=10)[0]
    assert "task: LoadRequest(model='demo.safetensors')" in output
    assert "Made the folder" in output
    assert (tmp_path / "models/Stable-diffusion").is_dir()
    assert "closed\n" in output
    assert output.endswith("ended\n")
    assert server.returncode == 0
    assert "Traceback" not in output


def test_a_read_only_data_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(app.os, "access", lambda path, mode: False)
    with pytest.raises(LaunchError, match=r"cannot be written to; choose another with --data-dir"):
        app.main(Launch(data_dir=tmp_path))


def test_a_folder_in_the_place_of_which_a_file_stands_is_named(tmp_path):
    (tmp_path / "models").touch()
    with pytest.raises(LaunchError, match=rf"{tmp_path}/models"):
        app.main(Launch(data_dir=tmp_path))


def test_an_address_of_another_machine_is_named(tmp_path):
    with pytest.raises(LaunchError, match=r"Cannot listen on 192\.0\.2\.1, port 7860: .* See --server-name"):
        app.main(Launch(data_dir=tmp_path, server_name="192.0.2.1"))


@pytest.mark.parametrize("device", ["abacus", "cuda:77"])
def test_a_device_that_is_not_there_is_named(tmp_path, device):
    with pytest.raises(LaunchError, match=f"--device {device} cannot be used: .*--device cpu always works"):
        app.build_engine(Launch(data_dir=tmp_path, device=device), Host())


def test_a_checkpoint_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(LaunchError, match=r"--ckpt-dir .*nowhere: there is no such folder"):
        app.main(Launch(data_dir=tmp_path, ckpt_dir=(tmp_path / "nowhere",)))
