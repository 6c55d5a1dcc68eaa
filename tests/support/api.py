"""A server without a page, and a client of it, for tests of the HTTP API."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.api import sdapi
from sdui.builtin import all as builtin
from sdui.core import standing
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.extensions.host import Host
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue, Worker
from sdui.services import Services


@dataclass
class Api:
    client: TestClient
    services: Services
    app: FastAPI


@contextmanager
def serving(folder: Path, worker: Worker, launch: Launch | None = None) -> Iterator[Api]:
    """All routes of the API, with the parameters of everything that comes with sdui."""
    host = Host()
    builtin.add_all(host, ["params"])
    requests = host.request(GenerationRequest, "always", "script")
    extras = host.request(ExtrasRequest, "operation")
    settings = SettingsFile(folder / "config.json", standing.preferences(requests))
    app = FastAPI()
    with closing(OutputStore(folder)) as store, closing(JobQueue([worker], store.save, store.save_picture)) as jobs:
        launch = launch or Launch(data_dir=folder)
        services = Services(jobs, settings, launch, requests=requests, extras=extras)
        sdapi.add(app, services)
        with TestClient(app) as client:
            yield Api(client, services, app)


@contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """The app on a port of this machine, for clients that are no test clients."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)
