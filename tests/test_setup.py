"""From a clone to a running program: webui.sh, sdui/install.py and webui.py."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sdui import install

ROOT = Path(__file__).parent.parent

# Stands for the environment's Python: notes what it is asked, plays pip and pytest, does the rest.
FAKE_PYTHON = f"""#!/bin/sh
echo "$*" >> "$ASKED"
case "$1 $2 $3" in
  "-m pip install") [ ! -e "$ASKED.offline" ]; exit ;;
  "-m pip -V" | "-m pytest "* | "-m sdui.bench "*) exit 0 ;;
esac
exec "{sys.executable}" "$@"
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="webui.sh is for Linux and macOS")


class Clone:
    """A copy of the program in a folder with an odd name, on a machine with very few commands."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / 'it\'s $HOME (1) & "ü"'
        self.commands, self.log = folder / "bin", folder / "asked"
        self.commands.mkdir()
        for name in ("bash", "sh", "dirname", "cat"):
            (self.commands / name).symlink_to(shutil.which(name))
        (self.home / "sdui").mkdir(parents=True)
        for name in (
            "webui.sh",
            "webui.py",
            "pyproject.toml",
            "constraints.txt",
            "sdui/__init__.py",
            "sdui/commands.py",
            "sdui/install.py",
        ):
            shutil.copy(ROOT / name, self.home / name)
        shutil.copytree(ROOT / "sdui/core", self.home / "sdui/core")
        self.command(self.home / "my venv/bin/python", FAKE_PYTHON)

    def command(self, path: Path, script: str = "#!/bin/sh\n") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def run(self, *arguments: str, **env: str) -> tuple[int, str, list[str]]:
        """Exit status, output and what the environment's Python was asked."""
        self.log.write_text("")
        settings = {"PATH": str(self.commands), "HOME": "/", "VENV_DIR": "my venv", "ASKED": str(self.log)}
        done = subprocess.run(
            [self.home / "webui.sh", *arguments],
            cwd="/",
            env=settings | env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout, self.log.read_text().splitlines()


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def pip(asked: list[str]) -> list[str]:
    return [line for line in asked if line.startswith("-m pip install")]


def test_first_start_installs_torch_first_and_then_starts(clone):
    status, output, asked = clone.run("--help")
    torch, others = pip(asked)
    assert torch == f"-m {install.TORCH}"
    assert "constraints.txt" in others
    assert "gradio" in others
    assert asked[-1] == "webui.py --help"
    assert (status, "usage: webui.py" in output) == (0, True)


def test_second_start_does_not_call_pip(clone):
    clone.run("--help")
    status, output, asked = clone.run("--help")
    assert pip(asked) == []
    assert (status, "usage: webui.py" in output) == (0, True)


def test_an_interrupted_installation_is_taken_up_again(clone):
    offline = clone.log.with_name("asked.offline")
    offline.touch()
    status, output, asked = clone.run()
    assert status == 1
    assert "setting up failed" in output
    assert "webui.py" not in asked
    offline.unlink()
    assert len(pip(clone.run("--help")[2])) == 2
    assert pip(clone.run("--help")[2]) == []


def test_a_half_written_package_is_installed_again(clone):
    packages = clone.home / "my venv/lib/python3.11/site-packages"
    for name, files in {"half-1.dist-info": ["METADATA"], "whole-1.dist-info": ["METADATA", "RECORD"]}.items():
        (packages / name).mkdir(parents=True)
        for file in files:
            (packages / name / file).touch()
    clone.run("--help")
    assert [path.name for path in packages.iterdir()] == ["whole-1.dist-info"]


def test_other_dependencies_are_installed_at_the_next_start(clone):
    clone.run("--help")
    with (clone.home / "constraints.txt").open("a") as file:
        file.write("other==1\n")
    assert len(pip(clone.run("--help")[2])) == 2


def test_the_torch_command_is_the_users(clone):
    clone.run("--help")
    command = "pip install 'torch>=2.10' --index-url https://example.org/cu130"
    asked = clone.run("--help", TORCH_COMMAND=command)[2]
    assert pip(asked)[0] == "-m pip install torch>=2.10 --index-url https://example.org/cu130"
    assert pip(clone.run("--help", TORCH_COMMAND=command)[2]) == []


def test_options_from_the_environment(clone):
    assert "usage: webui.py" in clone.run(COMMANDLINE_ARGS="--help")[1]


def test_tests_get_their_packages_and_their_arguments(clone):
    clone.command(clone.commands / "chromium")
    clone.run("--help")
    status, output, asked = clone.run("test", "-k", "not browser")
    assert status == 0, output
    assert "hypothesis" in pip(asked)[1]
    assert asked[-1] == "-m pytest -n 2 --dist loadfile --no-loadscope-reorder -k not browser"
    assert pip(clone.run("test")[2]) == []
    assert pip(clone.run("--help")[2]) == [], "what the tests installed serves the page as well"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for browsers in /Applications elsewhere")
def test_tests_do_not_run_without_a_browser(clone):
    status, output, asked = clone.run("test")
    assert status == 1
    assert "the tests need Chromium or Chrome" in output
    assert "apt-get install chromium" in output
    assert "-m pytest" not in asked


def test_bench(clone):
    assert clone.run("bench", "--json")[2][-1] == "-m sdui.bench --json"


def test_verify_needs_no_other_packages(clone):
    clone.run("--help")
    asked = clone.run("verify", "--help")[2]
    assert pip(asked) == []
    assert asked[-1] == "webui.py verify --help"


def test_an_unknown_command_is_refused(clone):
    status, output, _ = clone.run("tets")
    assert status == 1
    assert "there is no command 'tets'; known are test, bench, generate, verify, merge" in output


def test_an_old_python_is_refused_by_version(clone, tmp_path):
    clone.command(tmp_path / "old python", "#!/bin/sh\necho 3.9\n")
    status, output, _ = clone.run(VENV_DIR="none", PYTHON=str(tmp_path / "old python"))
    assert status == 1
    assert "is Python 3.9" in output
    assert "Install Python 3.11 or newer" in output


def test_without_any_python_it_says_what_to_install(clone):
    clone.command(clone.commands / "python3", "#!/bin/sh\necho 3.10\n")
    status, output, _ = clone.run(VENV_DIR="none")
    assert status == 1
    assert "No usable Python was found. Install Python 3.11 or newer" in output


def test_the_newest_tested_python_is_preferred(clone):
    for version in ("3.11", "3.13"):
        clone.command(
            clone.commands / f"python{version}", f'#!/bin/sh\n[ "$1" = -I ] && echo took {version}\necho {version}\n'
        )
    assert "took 3.13" in clone.run(VENV_DIR="none")[1]


def webui(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "webui.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def message(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if not line.startswith("import time:")]


def test_help_imports_nothing_heavy():
    done = webui("--help")
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "pydantic" in imported
    assert imported.isdisjoint({"torch", "gradio", "diffusers", "transformers", "fastapi", "uvicorn", "numpy", "PIL"})


def test_a_port_in_use_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = webui("--data-dir", str(tmp_path), "--port", str(port))
    assert done.returncode == 2
    assert message(done)[-1].startswith(f"sdui: Port {port} is in use already")
    assert "--port" in message(done)[-1]
    assert "Traceback" not in done.stderr


def test_unknown_options_are_named_and_ignored(tmp_path):
    (tmp_path / "file").touch()
    done = webui("--opt-channelslast", "--data-dir", str(tmp_path / "file"))
    assert message(done)[0] == "sdui: not known here and ignored: --opt-channelslast"
    assert done.returncode == 2
    assert f"The folder {tmp_path / 'file'} cannot be used" in message(done)[-1]


def test_a_wrong_option_is_one_line():
    done = webui("--port", "70000")
    assert (done.returncode, message(done)) == (2, ["sdui: Port: '70000' is too large, at most 65535."])


def test_a_mistyped_command_is_not_a_start(monkeypatch):
    with pytest.raises(SystemExit, match="no command 'tset'"):
        install.main(["tset"], {})
