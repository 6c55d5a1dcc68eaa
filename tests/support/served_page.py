"""A page served by the fake worker from a thread, and a visitor who looks at it with Chromium."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, Request

from sdui.app import build
from sdui.builtin import all as builtin
from sdui.core import standing
from sdui.core.catalog import Catalog
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest, Task
from sdui.core.settings import SettingsFile
from sdui.extensions.host import Host
from sdui.history.history import History
from sdui.imaging.store import OutputStore, output_folders
from sdui.jobs.queue import JobQueue
from sdui.services import Services

from .fake_worker import CATALOG, FakeWorker

LOCAL = re.compile(r"(https?://(127\.0\.0\.1|localhost):|data:|blob:)")


@dataclass
class Server:
    url: str
    services: Services
    worker: FakeWorker
    folder: Path

    def pictures(self) -> list[Path]:
        return sorted((self.folder / "outputs" / "txt2img-images").rglob("*.png"))

    def newest(self) -> Task | None:
        """The task that was submitted last."""
        jobs = self.services.jobs.list()
        return jobs[-1].task if jobs else None


def serve(
    folder: Path, catalog: Catalog = CATALOG, *, extensions: bool = False, launch: Launch | None = None
) -> Iterator[Server]:
    """extensions: with those that come with sdui, Custom code too."""
    launch = launch or Launch(data_dir=folder)
    worker = FakeWorker(catalog, launch=launch)
    store = OutputStore(folder)
    settings = SettingsFile(folder / "config.json", standing.preferences(GenerationRequest))
    history = History(folder, folder / "cache", lambda: output_folders(store.root, settings.current), Path.unlink)
    history.start()
    jobs = JobQueue([worker], history.told(store.save))
    host = Host()
    builtin.add_all(host, ["params"], allow_code=True)
    requests = host.request(GenerationRequest, "always", "script") if extensions else GenerationRequest
    operations = host.request(ExtrasRequest, "operation") if extensions else ExtrasRequest
    services = Services(jobs, settings, launch, {"version": "0.0-test"}, requests, operations, history=history)
    started: Future[tuple[uvicorn.Server, int]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_run(services, started)))
    thread.start()
    running, port = started.result(60)
    yield Server(f"http://127.0.0.1:{port}{launch.subpath}/", services, worker, folder)
    jobs.close()
    running.should_exit = True
    thread.join(20)
    history.close()
    store.close()


async def _run(services: Services, started: Future[tuple[uvicorn.Server, int]]) -> None:
    """The page is built inside a loop, because outside of one Gradio makes its own and never closes it."""
    try:
        app = build(services)
    except BaseException as error:
        started.set_exception(error)
        raise
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        started.set_result((server, listening.getsockname()[1]))
        await server.serve([listening])


@dataclass
class Visitor:
    """One person's browser, with what it asked the network for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    unanswered: set[Request] = field(default_factory=set)

    def open(self, url: str) -> Page:
        """The page, as soon as it takes input."""
        self.page.goto(url)
        self.page.wait_for_selector("html:not([inert]) #txt2img_prompt textarea")
        return self.page

    def rest(self) -> None:
        """Until the server has answered what was clicked: a click on the same before then comes to nothing."""
        while any("/gradio_api/run/" in request.url for request in self.unanswered):
            self.page.wait_for_timeout(20)

    def strangers(self) -> list[str]:
        return [url for url in self.requests if not LOCAL.match(url)]
