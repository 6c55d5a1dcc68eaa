"""How far the hashing of model files is, which the page says in a line."""

import asyncio

import gradio as gr
import pytest

from sdui.core.catalog import Catalog, Hashing
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import checkpoints, hashing
from tests.support.fake_worker import CATALOG, DEMO, FakeWorker


@pytest.fixture
def worker():
    return FakeWorker()


@pytest.fixture
def services(tmp_path, worker):
    jobs = JobQueue([worker], lambda image, preferences: None)
    yield Services(jobs, SettingsFile(tmp_path / "config.json"), Launch(data_dir=tmp_path))
    jobs.close()


def test_the_line_shows_how_far_hashing_is_and_the_titles_afterwards(services, worker):
    async def build():
        catalog = services.jobs.catalog()
        with gr.Blocks() as page:
            quick = checkpoints.build(services, catalog)
            hashing.build(services, quick).bind(page)
            return hashing.build(services, quick), quick

    line, quick = asyncio.run(build())
    for progress, words in ((None, ""), (Hashing(0, 0), ""), (Hashing(11, 40), "Hashing 12 of 40 model files")):
        worker.given = Catalog(CATALOG.checkpoints, hashing=progress)
        updates = line.show()
        assert updates[line._line] == words
        assert updates[line._timer].active == (progress is not None)
        assert quick.dropdown not in updates
    worker.given = CATALOG
    assert line.tick("demo.safetensors")[quick.dropdown]["value"] == DEMO.title
