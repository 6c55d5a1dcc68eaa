"""The server from outside: without a page, with TLS, open to others, stopped and started anew through the API."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sdui import serving, sharing
from sdui.core.errors import LaunchError
from sdui.core.launch import Launch, read_launch
from sdui.serving import require_certificate
from tests.support.servers import free_port, wait_until

ROOT = Path(__file__).parent.parent
CHECKED = """
import os, sys
from sdui import app
from sdui.core.launch import read_launch

again = app.main(read_launch(sys.argv[1:], {})[0])
print("again:", again)
print("page:", [name for name in sys.modules if name == "gradio" or name.startswith("sdui.ui")], flush=True)
os._exit(0)  # as webui.py ends: the engine's thread may be in the middle of importing torch
"""


class Running:
    def __init__(self, process: subprocess.Popen[str], port: int, context: ssl.SSLContext | None) -> None:
        self.process, self.port, self.said = process, port, ""
        self._context = context

    def wait(self) -> None:
        """Until it says that it answers, once more."""
        for line in self.process.stdout:
            self.said += line
            if "was ready after" in line:
                break
        assert "was ready after" in line, self.said
        if "--listen" in self.process.args:
            self.said += "".join(self.process.stdout.readline() for _ in range(5))

    def connection(self) -> http.client.HTTPConnection:
        if self._context:
            return http.client.HTTPSConnection("localhost", self.port, timeout=10, context=self._context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def post(self, path: str, **how) -> tuple[int, bytes]:
        connection = self.connection()
        connection.request("POST", path, **how)
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def rest(self) -> str:
        return self.said + self.process.communicate(timeout=20)[0]


@contextmanager
def server(folder, *options, program=("webui.py",), context=None):
    port = free_port()
    quick = ("--nowebui", "--skip-load-model-at-start", "--no-hashing", "--api-server-stop")
    command = [sys.executable, *program, *quick, "--port", str(port), "--data-dir", str(folder), *map(str, options)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            running = Running(process, port, context)
            running.wait()
            yield running
        finally:
            process.kill()


def test_the_api_alone_open_to_others_until_it_is_stopped(tmp_path):
    with server(tmp_path, "--listen", "--max-request-mb", 1, program=("-c", CHECKED)) as running:
        (password,) = re.findall(r"user: sdui    password: (\S{12,})", running.said)
        assert f"Running on local URL:  http://127.0.0.1:{running.port}\n" in running.said
        assert "OTHER MACHINES CAN REACH THIS SERVER" in running.said
        key = {"Authorization": f"Bearer {password}"}
        assert running.post("/sdapi/v1/interrogate", body="{}")[0] == 401
        connection = running.connection()
        for _ in range(2):
            pieces = (b"x" * 100_000 for _ in range(11))
            connection.request("POST", "/sdapi/v1/interrogate", pieces, key, encode_chunked=True)
            answer = connection.getresponse()
            assert answer.status == 413 and "--max-request-mb" in json.loads(answer.read())["detail"]
        connection.request("GET", "/docs", headers=key)
        assert connection.getresponse().status == 200
        connection.close()
        assert running.post("/sdapi/v1/server-stop", headers=key) == (200, b"Stopping.")
        output = running.rest()
        assert "again: False\npage: []\n" in output and output.count(password) == 1
        assert running.process.returncode == 0 and "Traceback" not in output


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for localhost."""
    key, made = (tmp_path_factory.mktemp("tls") / name for name in ("key.pem", "made.pem"))
    how = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([*how.split(), "-keyout", key, "-out", made], check=True, capture_output=True)
    return key, made


def test_https_starts_anew_and_ends_at_once(tmp_path, certificate):
    key, made = certificate
    trusting = ssl.create_default_context(cafile=made)
    with server(tmp_path, "--tls-keyfile", key, "--tls-certfile", made, context=trusting) as running:
        assert f"Running on local URL:  https://127.0.0.1:{running.port}\n" in running.said
        begun = psutil.Process(running.process.pid).cmdline()
        assert running.post("/sdapi/v1/server-restart") == (200, b"Restarting.")
        running.wait()
        assert running.said.count("was ready after") == 2
        assert psutil.Process(running.process.pid).cmdline() == begun
        with pytest.raises((http.client.HTTPException, OSError)):
            running.post("/sdapi/v1/server-kill")
        assert running.process.wait(timeout=10) == 0


def test_the_server_cannot_be_stopped_without_the_flag(tmp_path):
    launch, _ = read_launch(["--api", "--nowebui"], {})
    assert (launch.api, launch.nowebui, launch.api_server_stop) == (True, True, False)
    assert stop_routes(tmp_path, api_server_stop=False) == set()
    assert stop_routes(tmp_path, api_server_stop=True) == {"server-stop", "server-restart", "server-kill"}


def stop_routes(folder, **flags) -> set[str]:
    from sdui import app
    from sdui.core.settings import SettingsFile
    from sdui.jobs.queue import JobQueue
    from sdui.services import Services
    from tests.support.fake_worker import FakeWorker

    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    launch = Launch(data_dir=folder, nowebui=True, **flags)
    built = app.build(Services(jobs, SettingsFile(folder / "config.json"), launch))
    jobs.close()
    return {path.rpartition("/")[2] for path in built.openapi()["paths"] if "/sdapi/v1/server-" in path}


def test_files_for_tls_that_cannot_be_used_are_named(tmp_path, certificate):
    key, made = certificate
    text = tmp_path / "text.pem"
    text.write_text("no key")
    for flags, told in (
        ({"tls_keyfile": key}, "--tls-keyfile needs --tls-certfile"),
        ({"tls_certfile": made}, "--tls-certfile needs --tls-keyfile"),
        ({"tls_keyfile": tmp_path / "none", "tls_certfile": made}, r"--tls-keyfile .*none cannot be read: No such"),
        ({"tls_keyfile": key, "tls_certfile": tmp_path}, r"--tls-certfile .* cannot be read: Is a dir"),
        ({"tls_keyfile": text, "tls_certfile": made}, r"--tls-keyfile .*text.pem is not the certificate's private key"),
        ({"tls_keyfile": key, "tls_certfile": text}, r"--tls-certfile .*text.pem is no certificate"),
        ({"tls_keyfile": key, "tls_certfile": made, "share": True}, "--share"),
    ):
        with pytest.raises(LaunchError, match=told):
            require_certificate(Launch(**flags))
    require_certificate(Launch(tls_keyfile=key, tls_certfile=made))


@pytest.mark.parametrize(("given", "meant"), [("/x", "/x"), ("x/", "/x"), ("/a/b-c/", "/a/b-c"), ("/", ""), ("", "")])
def test_a_subpath_may_have_its_slashes_or_not(given, meant):
    assert Launch(subpath=given).subpath == meant
    assert serving.local_url(Launch(subpath=given)) == f"http://127.0.0.1:7860{meant and meant + '/'}"


@pytest.mark.parametrize("given", ["/a b", "/a?b", "//evil//x", "/%41"])
def test_a_subpath_that_cannot_be_is_named(given):
    with pytest.raises(LaunchError, match="--subpath takes a path"):
        read_launch(["--subpath", given], {})


def test_an_address_for_everybody_is_told_or_why_there_is_none(monkeypatch, capsys, caplog):
    from gradio import networking

    asked = []
    monkeypatch.setattr(networking, "setup_tunnel", lambda *given: asked.append(given) or "https://x.gradio.live")
    tell(Launch(share=True, subpath="/a", port=7000))
    assert "Running on public URL: https://x.gradio.live/a/\n" in capsys.readouterr().out
    assert asked[0][:2] == ("127.0.0.1", 7000)

    def fail(*given):
        raise RuntimeError("Could not get share link from Gradio API Server.")

    monkeypatch.setattr(networking, "setup_tunnel", fail)
    tell(Launch(share=True))
    assert "--share: there is no public address" in caplog.text and "Could not get share link" in caplog.text
    tell(Launch())
    assert len(asked) == 1


def tell(launch: Launch) -> None:
    import threading

    tunnel = sharing.Tunnel(launch)
    tunnel.start()
    wait_until(lambda: not any(thread.name == "share" for thread in threading.enumerate()))
    tunnel.close()
