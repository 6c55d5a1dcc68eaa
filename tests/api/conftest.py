"""The whole interface over the fake worker."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
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
from sdui.core.settings import Preferences, SettingsFile
from sdui.extensions.host import Host
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.fake_worker import CATALOG, FakeWorker
from tests.support.servers import wait_until

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


@contextmanager
def served(folder: Path, host: Host, settings_model: type[Preferences]) -> Iterator[Interface]:
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
    requests, operations = host.request(GenerationRequest, "always", "script"), host.request(ExtrasRequest, "operation")
    app = FastAPI()
    with ExitStack() as rest:
        store = rest.enter_context(closing(OutputStore(folder)))
        jobs = rest.enter_context(closing(JobQueue([worker], store.save, store.save_picture)))
        settings = SettingsFile(folder / "config.json", settings_model)
        launch, startup = Launch(data_dir=folder), {"page": 1.5}
        services = Services(jobs, settings, launch, {"version": "0.0"}, requests, operations, startup=startup)
        sdapi.add(app, services)
        yield Interface(rest.enter_context(TestClient(app)), worker, services, folder)


@pytest.fixture(scope="session")
def host():
    host = Host()
    builtin.add_all(host, ["params"])
    return host


@pytest.fixture(scope="session")
def settings_model():
    return standing.preferences(GenerationRequest)


@pytest.fixture
def interface(tmp_path, host, settings_model) -> Iterator[Interface]:
    with served(tmp_path, host, settings_model) as interface:
        yield interface


@pytest.fixture(scope="module")
def shared(tmp_path_factory, host, settings_model) -> Iterator[Interface]:
    """For tests that change nothing."""
    with served(tmp_path_factory.mktemp("shared"), host, settings_model) as interface:
        yield interface


@pytest.fixture
def drawing(interface):
    """A job at work on its first picture of three."""
    interface.worker.pace = 0.02
    request = interface.services.requests(prompt="a cat", seed=1, steps=40, width=64, height=64, batch_count=3)
    job = interface.services.jobs.submit(request, interface.settings)
    wait_until(lambda: job.view().preview)
    yield job
    interface.services.jobs.stop(job)


@pytest.fixture(scope="session")
def document(tmp_path_factory):
    """The OpenAPI document."""
    folder = tmp_path_factory.mktemp("document")
    app = FastAPI()
    with closing(JobQueue([FakeWorker()], lambda image, preferences: None)) as jobs:
        settings = SettingsFile(folder / "config.json", standing.preferences(GenerationRequest))
        sdapi.add(app, Services(jobs, settings, Launch(data_dir=folder)))
        return app.openapi()
