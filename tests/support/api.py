"""A server without a page, and clients of it, for tests of the HTTP API."""

from __future__ import annotations

import asyncio
import functools
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
from sdui.api.accounts import access_of
from sdui.api.guard import protect
from sdui.builtin import all as builtin
from sdui.core import standing
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences, SettingsFile
from sdui.extensions.host import Host
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue, Worker
from sdui.services import Services


@dataclass
class Api:
    client: TestClient
    worker: Worker
    services: Services
    app: FastAPI
    folder: Path

    def get(self, path, **query):
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None):
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def settings(self):
        return self.services.settings.current


@functools.cache
def classes() -> tuple[type[GenerationRequest], type[ExtrasRequest], type[Preferences]]:
    """With the parameters of everything that comes with sdui."""
    host = Host()
    builtin.add_all(host, ["params"])
    requests = host.request(GenerationRequest, "always", "script")
    return requests, host.request(ExtrasRequest, "operation"), standing.preferences(requests)


@contextmanager
def serving(folder: Path, worker: Worker, launch: Launch | None = None, *, guarded: bool = False) -> Iterator[Api]:
    """All routes of the API. guarded: asks for accounts."""
    requests, extras, preferences = classes()
    settings, launch, app = (
        SettingsFile(folder / "config.json", preferences),
        launch or Launch(data_dir=folder),
        FastAPI(),
    )
    with closing(OutputStore(folder)) as store, closing(JobQueue([worker], store.save, store.save_picture)) as jobs:
        services = Services(jobs, settings, launch, {"version": "0.0"}, requests, extras, startup={"page": 1.5})
        sdapi.add(app, services)
        if guarded:
            protect(app, launch, access_of(launch))
        with TestClient(app) as client:
            yield Api(client, worker, services, app, folder)


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
