"""The composition root: the only file that knows every part."""

from __future__ import annotations

import errno
import gc
import logging
import os
import platform
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI

from sdui import __version__
from sdui.api import sdapi
from sdui.builtin import all as builtin
from sdui.compat.gradio_import import import_gradio
from sdui.core import standing
from sdui.core.errors import LaunchError
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.settings import SettingsFile
from sdui.core.stopwatch import Stopwatch
from sdui.extensions import loader
from sdui.extensions.contracts import Tab
from sdui.extensions.host import Host
from sdui.extensions.loader import Found
from sdui.history.history import History
from sdui.imaging.store import OutputStore, output_folders
from sdui.jobs.catalog_memory import CatalogMemory
from sdui.jobs.local import LocalWorker, Runs
from sdui.jobs.queue import JobQueue
from sdui.services import Services

log = logging.getLogger(__name__)

_HEAD_START = 20
"""Seconds that the page and the first checkpoint get before files are read in the background.

A thread that gives way to other programs can hold Python's lock while it does, and then the page waits with it.
"""
_PAGE_FIRST = 4
"""Seconds that the page gets before torch is imported: both are work of one thread, and the page is looked at."""
_LONGEST_GOODBYE = 1
"""Seconds that open pages get when the server stops."""


def main(launch: Launch) -> None:
    """Serve until Ctrl+C or SIGTERM. Raises LaunchError when the server cannot start as asked."""
    begun, watch = time.perf_counter(), Stopwatch()
    _start_logging(launch.loglevel)
    _prepare_folders(launch)
    try:
        with _listen(launch.host, launch.port) as listener, closing(OutputStore(launch.data_dir)) as store:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            host, problems = build_host(launch)
            # The worker imports torch in its thread, at the first start while this one imports gradio.
            worker = LocalWorker(lambda: build_engine(launch, host), memory=_memory(launch))
            requests = host.request(GenerationRequest, "always", "script")
            watch.lap("extensions' parameters")
            import_gradio()
            watch.lap("import gradio")
            settings = _read_settings(launch, requests)
            history = History(
                launch.data_dir, launch.folder("cache"), lambda: output_folders(store.root, settings.current)
            )
            saves = (history.told(store.save), history.told(store.save_picture))
            with closing(history), closing(JobQueue([worker], *saves)) as jobs:
                history.start(after=_HEAD_START)
                extras = host.request(ExtrasRequest, "operation")
                tabs, unbuilt = page_tabs(launch)
                problems += unbuilt
                services = Services(
                    jobs, settings, launch, _versions(), requests, extras, tuple(problems), history, tabs, watch.records
                )
                watch.lap("settings and history")
                app = build(services)
                watch.lap("page and API")
                if not launch.skip_load_model_at_start:
                    chosen = launch.ckpt or settings.current.sd_model_checkpoint
                    jobs.submit(LoadRequest(model=chosen), settings.current)
                server = _Server(app, lambda: _announce(launch, begun))
                worker.begin(after=_PAGE_FIRST, failed=server.stop)
                server.run(sockets=[listener])
                worker.check()
    except KeyboardInterrupt:
        log.info("Stopped")


def _memory(launch: Launch) -> CatalogMemory:
    depends = (__version__, launch.device, launch.precision, launch.model_folders())
    return CatalogMemory(launch.folder("cache") / "catalog.json", str(depends))


def build_host(launch: Launch) -> tuple[Host, list[str]]:
    """The extensions' parameters, and a sentence for each extension that cannot be used. Imports no torch."""
    host = Host()
    builtin.add_all(host, ["params"], allow_code=launch.allow_code)
    return host, loader.add_all(host, _extensions(launch), ["params"])


def page_tabs(launch: Launch) -> tuple[tuple[Tab, ...], list[str]]:
    """Tabs of extensions, and a sentence for each that cannot be used."""
    host = Host()
    problems = loader.add_all(host, _extensions(launch), ["page"])
    return tuple(tab for tabs in host.every("tabs") for tab in tabs), problems


def build_engine(launch: Launch, host: Host) -> Runs:
    """Called in the worker's thread; torch is first imported here. `host` gets the extensions' other parts."""
    from sdui.engine.engine import Engine
    from sdui.models.files import ModelFiles
    from sdui.models.hashing import BackgroundHashing
    from sdui.models.placement import Vram
    from sdui.models.store import ModelStore
    from sdui.prompt.style_files import StyleFiles
    from sdui.sampling.registry import builtin as samplers

    files = ModelFiles(launch.model_folders(), launch.folder("cache"))
    try:
        vram = Vram(launch.vram_mode(sdxl=False), launch.vram_mode(sdxl=True))
        store = ModelStore(files, launch.device, launch.precision, vram, half_vae=not launch.no_half_vae)
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise LaunchError(f"--device {launch.device} cannot be used: {why}. --device cpu always works.") from error
    builtin.add_all(host, ["engine"], allow_code=launch.allow_code)
    loader.add_all(host, _extensions(launch), ["engine"])
    hashing = BackgroundHashing(files)
    if not launch.no_hashing:
        hashing.start(after=_HEAD_START)
    styles = StyleFiles(launch.data_dir, launch.styles_file)
    return Engine(store, samplers(), launch.data_dir, hashing, host, styles)


def _extensions(launch: Launch) -> list[Found]:
    left_out = launch.disable_all_extensions or launch.disable_extra_extensions
    return [] if left_out else loader.find(launch.folder("extensions"))


def build(services: Services) -> FastAPI:
    """The server with its page and its HTTP interface."""
    from sdui.ui import mounting

    app = FastAPI(title="sdui", version=__version__)
    sdapi.add(app, services)
    return mounting.mount(app, services)


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "gradio", "diffusers")}
    return {"version": __version__, "python": platform.python_version(), **packages}


def _start_logging(level: str) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("sdui").setLevel(level.upper())


def _prepare_folders(launch: Launch) -> None:
    launch.require_folders()
    data, checkpoints = launch.data_dir.resolve(), launch.model_folders()["checkpoint"][0]
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not checkpoints.exists():
            checkpoints.mkdir(parents=True)
            log.info("Made the folder %s", checkpoints)
    except OSError as error:
        raise LaunchError(f"The folder {error.filename} cannot be used: {error.strerror}.") from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise LaunchError(f"The data folder {data} cannot be written to; choose another with --data-dir.")


def _read_settings(launch: Launch, requests: type[GenerationRequest]) -> SettingsFile:
    settings = SettingsFile(launch.settings_path, standing.preferences(requests))
    if settings.problem:
        log.warning(settings.problem)
    return settings


def _listen(host: str, port: int) -> socket.socket:
    """Take the port at once, so that a second server is refused before it loads anything."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Connections inherit it; asyncio sets it only where it made the socket. Without it each answer takes 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(
                f"Port {port} is in use already: stop the program that uses it, "
                f"or choose another port, for example --port {port % 65535 + 1}"
            ) from error
        raise LaunchError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. See --server-name and --port."
        ) from error


class _Server(uvicorn.Server):
    """Says when it answers, and ends quickly and quietly on Ctrl+C and SIGTERM, raising KeyboardInterrupt."""

    def __init__(self, app: FastAPI, on_ready: Callable[[], None]) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_LONGEST_GOODBYE))
        self._on_ready = on_ready

    def stop(self) -> None:
        """As Ctrl+C does, but from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Open pages hold streams that never end; cutting them is no error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def _announce(launch: Launch, begun: float) -> None:
    local = "127.0.0.1" if launch.host in ("0.0.0.0", "::") else launch.host
    url = f"http://{f'[{local}]' if ':' in local else local}:{launch.port}"
    gc.freeze()
    gc.enable()
    sys.stdout.write(f"Running on local URL:  {url}\nThe page was ready after {time.perf_counter() - begun:.1f} s.\n")
    sys.stdout.flush()
    if launch.listen or launch.server_name not in ("", "127.0.0.1", "localhost", "::1"):
        log.warning("Anyone who can reach this machine over the network can use this page and read its pictures.")
    if launch.autolaunch:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
