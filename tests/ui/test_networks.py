"""What the lists of networks put on the page, without a browser."""

import asyncio

import gradio as gr
import pytest

from sdui.core.catalog import Catalog, Hashing
from sdui.core.settings import Launch, SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.ui import checkpoints, hashing
from sdui.ui.networks import NetworkList, _parts
from sdui.ui.services import Services
from tests.support.fake_worker import CATALOG, DEMO, FakeWorker


@pytest.fixture
def worker():
    return FakeWorker()


@pytest.fixture
def services(tmp_path, worker):
    jobs = JobQueue([worker], lambda image, preferences: None)
    yield Services(jobs, SettingsFile(tmp_path / "config.json"), Launch(data_dir=tmp_path))
    jobs.close()


@pytest.fixture
def loras(services):
    async def build():
        with gr.Blocks():
            return NetworkList(services, "lora", _parts("test"))

    return asyncio.run(build())


def shown(loras, updates):
    parts = loras._parts
    return updates[parts.place], updates[parts.back]["interactive"], updates[parts.forth]["interactive"]


def test_pages_follow_each_other(loras, worker):
    worker.loras = [f"{number:03}" for number in range(130)]
    first = loras.first("")
    assert shown(loras, first) == ("1 to 60 of 130", False, True)
    assert first[loras._parts.cards].count("<button") == 60
    assert shown(loras, loras.next("", 1)) == ("121 to 130 of 130", True, False)
    assert shown(loras, loras.previous("", 1)) == ("1 to 60 of 130", False, True)
    assert shown(loras, loras.first("12")) == ("1 to 12 of 12", False, False)


def test_a_button_has_the_alias_or_the_file_name(loras, worker, services):
    worker.loras = ['<b>"hat"']
    escaped = "&lt;b&gt;&quot;hat&quot;"
    assert f'data-tag="&lt;lora:{escaped} alias:1&gt;"' in loras.first("")[loras._parts.cards]
    services.settings.change(lora_preferred_name="Filename")
    cards = loras.first("")[loras._parts.cards]
    assert f'data-tag="&lt;lora:{escaped}:1&gt;"' in cards
    assert "<b>" not in cards


def test_an_empty_list_says_what_to_do(loras, tmp_path):
    assert f"Put files into {tmp_path}/models/Lora" in loras.first(None)[loras._parts.cards]
    assert "Nothing has &#x27;&lt;x&#x27;" in loras.first("<x")[loras._parts.cards]


@pytest.mark.parametrize("number", [None, "x", 2.5])
def test_a_page_that_sends_nonsense_gets_the_first_one(loras, worker, number):
    worker.loras = ["a"]
    assert shown(loras, loras.previous(["search"], number))[1] is False


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
