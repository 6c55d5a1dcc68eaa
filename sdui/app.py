"""The composition root: the only file that knows every part."""

from __future__ import annotations

import logging
import os
import platform
import signal
import time
from contextlib import closing
from importlib.metadata import version

from fastapi import FastAPI

from sdui import __version__
from sdui.api import guard, sdapi, server_stop
from sdui.api.accounts import Access, access_of
from sdui.api.server_stop import Ending
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
from sdui.jobs.journal import Journal
from sdui.jobs.local import LocalWorker, Runs
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.serving import Server, announce, listen, require_certificate
from sdui.sharing import Tunnel

log = logging.getLogger(__name__)

_HEAD_START = 20
"""Seconds that the page and the first checkpoint get before files are read in the background.

A thread that gives way to other programs can hold Python's lock while it does, and then the page waits with it.
"""
_PAGE_FIRST = 4
"""Seconds that the page gets before torch is imported: both are work of one thread, and the page is looked at."""


def main(launch: Launch) -> bool:
    """Serve until Ctrl+C, SIGTERM or a request to stop; True = start anew with the same options.

    Raises LaunchError when the server cannot start as asked.
    """
    begun, watch = time.perf_counter(), Stopwatch()
    _start_logging(launch.loglevel)
    access, ending = access_of(launch), Ending()
    require_certificate(launch)
    _prepare_folders(launch)
    try:
        with listen(launch.host, launch.port) as listener, closing(OutputStore(launch.data_dir)) as store:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            host, problems = build_host(launch)
            # The worker imports torch in its thread, at the first start while this one imports gradio.
            worker = LocalWorker(lambda: build_engine(launch, host), memory=_memory(launch))
            requests = host.request(GenerationRequest, "always", "script")
            watch.lap("extensions' parameters")
            if not launch.nowebui:
                import_gradio()
                watch.lap("import gradio")
            settings = _read_settings(launch, requests)
            history = _history(launch, settings, store)
            saves = (history.told(store.save), history.told(store.save_picture))
            extras = host.request(ExtrasRequest, "operation")
            journal = Journal(launch.data_dir / "jobs.sqlite", settings, requests, extras)
            queue = JobQueue([worker], *saves, journal)
            with closing(history), closing(queue) as jobs, closing(Tunnel(launch)) as tunnel:
                history.start(after=_HEAD_START)
                tabs, unbuilt = page_tabs(launch)
                services = Services(
                    jobs,
                    settings,
                    launch,
                    _versions(),
                    requests,
                    extras,
                    (*problems, *unbuilt),
                    history,
                    tabs,
                    watch.records,
                )
                watch.lap("settings and history")
                app = build(services, access, ending)
                watch.lap("page and API")
                _load_first(services)

                def ready() -> None:
                    announce(launch, access, begun)
                    tunnel.start()

                server = Server(app, launch, ready)
                ending.stop = server.stop
                worker.begin(after=0 if launch.nowebui else _PAGE_FIRST, failed=server.stop)
                server.run(sockets=[listener])
                worker.check()
    except KeyboardInterrupt:
        log.info("Stopped")
    return ending.again


def _history(launch: Launch, settings: SettingsFile, store: OutputStore) -> History:
    return History(launch.data_dir, launch.folder("cache"), lambda: output_folders(store.root, settings.current))


def _load_first(services: Services) -> None:
    """The checkpoint that the first picture will probably be drawn with."""
    launch, current = services.launch, services.settings.current
    if not launch.skip_load_model_at_start:
        services.jobs.submit(LoadRequest(model=launch.ckpt or current.sd_model_checkpoint), current)


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
    if launch.nowebui:
        return (), []
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


def build(services: Services, access: Access | None = None, ending: Ending | None = None) -> FastAPI:
    """The server with its HTTP interface and its page, guarded. access: made from the start options without one."""
    launch = services.launch
    app = FastAPI(title="sdui", version=__version__)
    sdapi.add(app, services)
    if launch.api_server_stop:
        app.include_router(server_stop.routes(ending or Ending()), prefix="/sdapi/v1")
    if not launch.nowebui:
        from sdui.ui import mounting

        mounting.mount(app, services)
    return guard.protect(app, launch, access or access_of(launch))


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
