"""POST /page/tokens: what the counters show and what is remarked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import script_preferences, token_counts
from tests.support.fake_worker import FakeWorker


@pytest.fixture
def services(tmp_path):
    (tmp_path / "styles.csv").write_text("name,prompt,negative_prompt\nfilm,film still,drawing\n")
    worker = FakeWorker()
    worker.named = {"lora": ["hat"]}
    jobs = JobQueue([worker], lambda image, preferences: None)
    yield Services(jobs, SettingsFile(tmp_path / "config.json"), Launch(data_dir=tmp_path))
    jobs.close()


@pytest.fixture
def client(services):
    app = FastAPI()
    for part in (token_counts, script_preferences):
        app.include_router(part.routes(services))
    with TestClient(app) as client:
        yield client


def counted(client, **typed):
    answer = client.post("/page/tokens", json=typed)
    assert answer.status_code == 200, answer.text
    prompt, negative = answer.json()["prompt"], answer.json()["negative_prompt"]
    return (prompt["used"], prompt["room"]), (negative["used"], negative["room"]), prompt["remarks"]


def test_both_prompts_are_counted_with_the_words_of_the_styles(client):
    assert counted(client, prompt="a cat", negative_prompt="dog") == ((2, 75), (1, 75), [])
    # "a cat, film still" and "dog, drawing"
    assert counted(client, prompt="a cat", negative_prompt="dog", styles=["film"]) == ((5, 75), (3, 75), [])


def test_the_longest_text_of_the_schedule_counts_and_comments_do_not(client):
    assert counted(client, prompt="[cat:a black dog:0.5] # note\n")[0] == (3, 75)
    assert counted(client, prompt="word " * 80)[0] == (80, 150)


def test_the_vectors_of_embeddings_are_counted(client, services):
    services.jobs._workers[0].vectors = {"easyneg": 8, "other": 3}
    assert counted(client, prompt="a (easyneg:1.2) cat")[0] == (10, 75)


def test_what_is_not_here_is_remarked(client):
    remarks = counted(client, prompt="(a <lora:hat:1> <lora:cap:1> <foo:x>", styles=["gone"])[2]
    assert remarks == [
        "There is no style 'gone' any more.",
        "“(a” is never closed.",
        "There is no lora 'cap' here.",
        "There are no networks of the kind 'foo'; known are lora, lyco, hypernet.",
    ]


def test_a_damaged_file_of_styles_is_remarked_and_the_prompt_still_counted(client, tmp_path):
    (tmp_path / "styles.csv").write_bytes(b"prompt\nx\n")
    used, _, remarks = counted(client, prompt="a cat", styles=["film"])
    assert used == (2, 75)
    assert "must name the columns" in remarks[0]


def test_a_long_alternation_is_counted_in_time(client):
    assert counted(client, prompt="[a|b|c] " + "word " * 15_000, steps=1000)[0][0] == 15_001


@pytest.mark.parametrize("typed", [{"prompt": "x" * 100_001}, {"steps": 0}, {"styles": "film"}, {"prompt": None}])
def test_nonsense_is_refused(client, typed):
    assert client.post("/page/tokens", json=typed).status_code == 422


def test_other_pages_cannot_ask(client):
    """A page of another site can send plain text without the browser asking first, but no JSON."""
    answer = client.post("/page/tokens", content='{"prompt": "a"}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422


def test_scripts_get_the_preferences_that_they_need_and_no_others(client, services):
    services.settings.change(keyedit_move=False)
    given = client.get("/page/preferences").json()
    assert given["keyedit_move"] is False
    assert given["keyedit_precision_attention"] == 0.1
    assert "outdir_samples" not in given


def test_counting_needs_no_torch():
    code = "import sys, sdui.ui.token_counts; print('torch' in sys.modules, 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == ["False"] * 2
