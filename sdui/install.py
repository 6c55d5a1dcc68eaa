"""Puts what sdui needs into a virtual environment and starts it; runs on the standard library alone.

webui.sh and webui-user.bat call it in the folder of the clone: python -I sdui/install.py [command] [options]
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "pip install torch==2.13.0"
"""Without TORCH_COMMAND; the version that the tests run with."""
DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-liberation", "fonts-noto-core", "fonts-noto-color-emoji")
_FULL = 0.05
"""Free gigabytes below which a failure is most likely for want of space."""
PROGRAMS = {
    "": ("webui.py",),
    # Two at once: half the time, and each has a core of its own on the smallest machine. In the order of the folders,
    # which begins with the browser's long files, so that neither has much left when the other is done.
    "test": ("-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"),
    "bench": ("-m", "sdui.bench"),
    "generate": ("webui.py", "generate"),
    "verify": ("webui.py", "verify"),
    "merge": ("webui.py", "merge"),
}
"""What each command runs."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC_BROWSERS = ("Chromium.app/Contents/MacOS/Chromium", "Google Chrome.app/Contents/MacOS/Google Chrome")


class Environment:
    """The virtual environment that sdui runs in."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.folder = ROOT / (env.get("VENV_DIR") or "venv")
        windows = os.name == "nt"
        self.python = self.folder / ("Scripts/python.exe" if windows else "bin/python")
        self.torch = env.get("TORCH_COMMAND") or TORCH

    def ready(self, extra: str) -> bool:
        stamp = self._stamp(extra)
        return self.python.exists() and stamp.exists() and stamp.read_text() == self._wanted()

    def install(self, extra: str) -> None:
        """Make or repair it. The stamp is written last, so that an interrupted run is repeated."""
        say(f"Setting up {self.folder}. The first time takes a few minutes; it needs about 2 GB, with CUDA 8 GB.")
        for stamp in self.folder.glob("sdui-installed*"):
            stamp.unlink()
        if not self.python.exists() or subprocess.run([self.python, "-m", "pip", "-V"], capture_output=True).returncode:
            self._create()
        self._forget_half_installed()
        say(f"Installing torch: {self.torch}")
        self._run(f'"{self.python}" -m {self.torch}' if os.name == "nt" else self._module(*_words(self.torch)))
        say("Installing the other packages")
        self._run(self._module("pip", "install", "-c", str(ROOT / "constraints.txt"), *requirements(extra)))
        for installed in {"", extra}:
            self._stamp(installed).write_text(self._wanted())

    def _create(self) -> None:
        if find_spec("ensurepip") is None:
            raise SystemExit(
                f"sdui: {sys.executable} cannot make virtual environments. "
                "On Debian and Ubuntu: sudo apt-get install python3-venv"
            )
        self._run([sys.executable, "-m", "venv", str(self.folder)])

    def _forget_half_installed(self) -> None:
        """pip writes RECORD last and takes a package without it for installed."""
        for info in self.folder.glob("**/site-packages/*.dist-info"):
            if not (info / "RECORD").exists():
                shutil.rmtree(info)

    def _module(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", *arguments]

    def _run(self, command: str | list[str]) -> None:
        if subprocess.run(command, cwd=ROOT).returncode:
            raise SystemExit(
                f"sdui: setting up failed; the reason stands above. {self._space()} The next start goes on from here."
            )

    def _space(self) -> str:
        there = next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())
        free = shutil.disk_usage(there).free / 1e9
        return f"The disk is full at {there}." if free < _FULL else f"Free space at {there}: {free:.1f} GB."

    def _stamp(self, extra: str) -> Path:
        return self.folder / f"sdui-installed{extra and '-'}{extra}"

    def _wanted(self) -> str:
        """Changes with everything that calls for another installation."""
        digest = hashlib.sha256(f"{sys.version_info[:2]} {self.torch}".encode())
        for name in ("pyproject.toml", "constraints.txt"):
            digest.update((ROOT / name).read_bytes())
        return digest.hexdigest()


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise SystemExit(f"sdui: TORCH_COMMAND cannot be read, {error}: {command}") from error


def requirements(extra: str) -> list[str]:
    """What pyproject.toml names. sdui itself is not installed: it runs from the clone's folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"].get(extra, [])]


def find_browser() -> str:
    """Path of a Chromium or Chrome for the browser tests, "" when there is none."""
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    folders = (Path("/Applications"), Path.home() / "Applications")
    found += [str(folder / app) for folder in folders for app in MAC_BROWSERS if (folder / app).exists()]
    programs = [os.environ[name] for name in ("PROGRAMFILES", "PROGRAMFILES(X86)") if name in os.environ]
    windows = (Path(folder) / "Google/Chrome/Application/chrome.exe" for folder in programs)
    found += [str(path) for path in windows if path.exists()]
    return found[0] if found else ""


def provide_browser() -> None:
    """Install Chromium and fonts through apt where that is possible. Exits when there is no browser in the end."""
    missing = [name for name in DEBIAN_PACKAGES if not _has_package(name)]
    as_root = _as_root()
    if missing and shutil.which("apt-get") and as_root is not None:
        say(f"Installing for the tests: {' '.join(missing)}")
        apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        subprocess.run([*apt, "update"], check=False)
        subprocess.run([*apt, "install", "-y", "--no-install-recommends", *missing], check=False)
    if not find_browser():
        raise SystemExit(
            "sdui: the tests need Chromium or Chrome, and none was found.\n"
            f"  Debian:   sudo apt-get install {' '.join(DEBIAN_PACKAGES)}\n"
            "  Ubuntu:   install Google Chrome, https://www.google.com/chrome/\n"
            "  macOS:    brew install --cask chromium\n"
            "  Windows:  install Google Chrome"
        )


def _has_package(name: str) -> bool:
    """Asks for the state: dpkg also knows packages that were removed."""
    query = shutil.which("dpkg-query")
    if query is None:
        return False
    state = subprocess.run([query, "-W", "-f", "${db:Status-Status}", name], capture_output=True, text=True)
    return state.stdout == "installed"


def _as_root() -> list[str] | None:
    """What to put before a command that only root may run; None where it would ask for a password."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    return [sudo, "-n"] if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0 else None


def say(text: str) -> None:
    sys.stderr.write(f"sdui: {text}\n")
    sys.stderr.flush()


def start(command: list[str]) -> int:
    """Become `command`; on Windows, which cannot do that, wait for it."""
    if os.name != "nt":
        os.execv(command[0], command)
    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def main(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    given = bool(arguments) and not arguments[0].startswith("-")
    what, rest = (arguments[0], arguments[1:]) if given else ("", arguments)
    if what not in PROGRAMS:
        known = ", ".join(filter(None, PROGRAMS))
        raise SystemExit(f"sdui: there is no command {what!r}; known are {known}. --help lists options.")
    environment = Environment(env)
    extra = "test" if what in ("test", "bench") else ""
    if not environment.ready(extra):
        environment.install(extra)
    if what == "test":
        provide_browser()
    return start([str(environment.python), *PROGRAMS[what], *rest])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except KeyboardInterrupt:
        raise SystemExit("\nsdui: stopped. The next start goes on from here.") from None
