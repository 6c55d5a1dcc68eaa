"""GET /page/completions: what may be meant by what is typed."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import completions
from tests.support.fake_worker import FakeWorker
from tests.support.servers import wait_until


@pytest.fixture
def services(tmp_path):
    (tmp_path / "styles.csv").write_text("name,prompt\nEasy style,easy\n")
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "mine.csv").write_text("long_hair,0,2900000,\neasel,0,1234,\n1girl,0,5,sole_female\n")
    (tmp_path / "wildcards" / "deep").mkdir(parents=True)
    (tmp_path / "wildcards" / "deep" / "colour.txt").write_text("red\n")
    (tmp_path / "wildcards" / "cloth.txt").write_text("wool\n")
    worker = FakeWorker()
    worker.named = {"lora": [f"hat {number}" for number in range(130)], "embedding": ["easyneg", "other"]}
    jobs = JobQueue([worker], lambda image, preferences: None)
    yield Services(jobs, SettingsFile(tmp_path / "config.json"), Launch(data_dir=tmp_path))
    jobs.close()


@pytest.fixture
def client(services):
    app = FastAPI()
    app.include_router(completions.routes(services))
    with TestClient(app) as client:
        wait_until(lambda: bool(asked(client, "word", "long")))
        yield client


def asked(client, kind, text):
    answer = client.get("/page/completions", params={"kind": kind, "text": text})
    assert answer.status_code == 200, answer.text
    return [(entry["kind"], entry["label"], entry["insert"], entry["replaced"]) for entry in answer.json()]


def test_a_tag_is_completed_from_its_first_words(client):
    entry = ("tag", "long hair", "long hair", 7)
    assert asked(client, "word", "long ha") == [entry]
    assert asked(client, "word", "a photo of long ha") == [entry]
    assert asked(client, "word", "xx") == asked(client, "word", "l") == []


def test_a_tags_note_says_how_many_pictures_have_it(client):
    notes = [
        client.get("/page/completions", params={"kind": "word", "text": text}).json()[-1]["note"]
        for text in ("lo", "ea", "sole")
    ]
    assert notes == ["2.9M", "1.2k", "sole_female 5"]


def test_embeddings_and_styles_stand_before_tags(client):
    assert asked(client, "word", ["cat", "eas"][1]) == [
        ("embedding", "easyneg alias", "easyneg alias", 3),
        ("style", "Easy style", "", 3),
        ("tag", "easel", "easel", 3),
    ]


def test_loras_are_offered_under_the_preferred_name(client, services):
    assert asked(client, "lora", "hat 129") == [("lora", "hat 129 alias", "hat 129 alias", 7)]
    services.settings.change(lora_preferred_name="Filename")
    assert asked(client, "lora", "hat 129") == [("lora", "hat 129", "hat 129", 7)]
    assert len(asked(client, "lora", "")) == 20


def test_wildcards_that_begin_so_come_first(client):
    assert asked(client, "wildcard", "c") == [
        ("wildcard", "cloth", "__cloth__", 3),
        ("wildcard", "deep/colour", "__deep/colour__", 3),
    ]


def test_it_can_be_switched_off(client, services):
    services.settings.change(prompt_completion=False)
    assert asked(client, "word", "long") == []


@pytest.mark.parametrize("query", ["", "kind=x&text=a", f"kind=word&text={'a' * 201}"])
def test_nonsense_is_refused(client, query):
    assert client.get(f"/page/completions?{query}").status_code == 422
