"""The whole interface over the fake worker."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.api import sdapi
from sdui.builtin import all as builtin
from sdui.core import standing
from sdui.core.catalog import Catalog, Choice, Facts
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.extensions.host import Host
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.fake_worker import CATALOG, FakeWorker

SAMPLERS = {"Euler a": Facts(("k_euler_a",), {"uses_ensd": "True"})}
SCHEDULES = {"Karras": Facts(("ka",), {"name": "karras", "default_rho": 7.0, "need_inner_model": False})}


@dataclass
class Interface:
    client: TestClient
    worker: FakeWorker
    services: Services
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


@pytest.fixture
def interface(tmp_path) -> Iterator[Interface]:
    catalog = Catalog(
        CATALOG.checkpoints,
        CATALOG.samplers,
        CATALOG.schedules,
        ("Latent", "Latent (nearest)", "None", "R-ESRGAN 4x+"),
        ("None", "R-ESRGAN 4x+", "DAT x2"),
        (Choice("CodeFormer"), Choice("GFPGAN", "no file")),
        sampler_facts=SAMPLERS,
        schedule_facts=SCHEDULES,
    )
    worker = FakeWorker(catalog)
    worker.named = {
        "checkpoint": ["demo", "large"],
        "lora": ["ink"],
        "vae": ["b", "a"],
        "hypernetwork": ["hyper"],
        "upscaler": ["R-ESRGAN 4x+", "DAT x2"],
    }
    host = Host()
    builtin.add_all(host, ["params"])
    requests = host.request(GenerationRequest, "always", "script")
    app = FastAPI()
    with ExitStack() as rest:
        store = rest.enter_context(closing(OutputStore(tmp_path)))
        jobs = rest.enter_context(closing(JobQueue([worker], store.save, store.save_picture)))
        settings = SettingsFile(tmp_path / "config.json", standing.preferences(requests))
        launch, operations = Launch(data_dir=tmp_path), host.request(ExtrasRequest, "operation")
        services = Services(jobs, settings, launch, {"version": "0.0"}, requests, operations, startup={"page": 1.5})
        sdapi.add(app, services)
        yield Interface(rest.enter_context(TestClient(app)), worker, services, tmp_path)


@pytest.fixture(scope="session")
def document(tmp_path_factory):
    """The OpenAPI document."""
    folder = tmp_path_factory.mktemp("document")
    app = FastAPI()
    with closing(JobQueue([FakeWorker()], lambda image, preferences: None)) as jobs:
        settings = SettingsFile(folder / "config.json", standing.preferences(GenerationRequest))
        sdapi.add(app, Services(jobs, settings, Launch(data_dir=folder)))
        return app.openapi()
