"""The whole interface over the fake worker."""

from contextlib import closing

import pytest
from fastapi import FastAPI

from sdui.api import sdapi
from sdui.core.catalog import Catalog, Choice, Facts
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.api import classes, serving
from tests.support.fake_worker import CATALOG, FakeWorker
from tests.support.servers import wait_until

SAMPLERS = {"Euler a": Facts(("k_euler_a",), {"uses_ensd": "True"})}
SCHEDULES = {"Karras": Facts(("ka",), {"name": "karras", "default_rho": 7.0, "need_inner_model": False})}


def worker():
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
    return worker


@pytest.fixture(scope="session")
def settings_model():
    return classes()[2]


@pytest.fixture
def interface(tmp_path):
    with serving(tmp_path, worker()) as interface:
        yield interface


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """For tests that change nothing."""
    with serving(tmp_path_factory.mktemp("shared"), worker()) as interface:
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
        settings = SettingsFile(folder / "config.json", classes()[2])
        sdapi.add(app, Services(jobs, settings, Launch(data_dir=folder)))
        return app.openapi()
