"""The list of all jobs, and what can be done with those that wait."""

from __future__ import annotations

import io

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from sdui.core.events import Finished, ImageSaved, Preview, Progress, Started, Stop
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.settings import Preferences, SettingsFile
from sdui.core.stages import InitImage
from sdui.jobs.job import Job
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui.queue_panel import listed, routes
from tests.support.fake_worker import jpeg, pixels


@pytest.fixture
def jobs():
    """Nothing runs what waits in it."""
    return JobQueue([], lambda image, preferences: None)


@pytest.fixture
def client(jobs, tmp_path):
    app = FastAPI()
    app.include_router(routes(Services(jobs, SettingsFile(tmp_path / "c.json"), Launch(data_dir=tmp_path))))
    return TestClient(app)


def submit(jobs, prompt="a cat", **values):
    return jobs.submit(GenerationRequest(prompt=prompt, **values), Preferences())


def started(jobs, prompt="running"):
    job = submit(jobs, prompt)
    jobs.withdraw(job)
    job._log.clear()
    job.publish(Started("w"))
    return job


def ended(jobs, folder):
    job, path = started(jobs, "ended"), folder / "ended.png"
    Image.new("RGB", (640, 320), "teal").save(path)
    job.publish(ImageSaved(str(path), "ended\nSteps: 1", GenerationRequest(), "image"))
    job.publish(Finished())
    return job


def test_running_jobs_come_first_then_those_that_wait_then_what_was_done(jobs, tmp_path):
    ended(jobs, tmp_path)
    running, first, second = started(jobs), submit(jobs, "one"), submit(jobs, "two", width=640, batch_size=2)
    running.publish(Progress("Sampling", 3, 20, 0.15, 9.0))
    jobs.move(second, 0)
    rows = listed(jobs)["jobs"]
    assert [(row["title"], row["state"]) for row in rows] == [
        ("running", "running"),
        ("two", "queued"),
        ("one", "queued"),
        ("ended", "finished"),
    ]
    assert (rows[0]["percent"], rows[0]["words"], rows[0]["left"]) == (15, "Sampling 3/20", "15%, 9 s left")
    assert rows[1]["facts"] == "640×512, 20 steps, 2 pictures"
    assert [row["editable"] for row in rows] == [False, True, True, False]
    jobs.stop(first)
    assert len(listed(jobs)["jobs"]) == 3, "a job that made nothing is not listed when it is over"


def test_jobs_are_sent_only_when_they_look_otherwise(client, jobs):
    job = submit(jobs)
    version = client.get("/page/queue").json()["version"]
    assert client.get("/page/queue", params={"known": version}).json() == {"version": version}
    jobs.stop(job)
    assert client.get("/page/queue", params={"known": version}).json()["jobs"] == []


def test_a_job_of_no_picture_is_named_and_cannot_be_edited(jobs):
    jobs.submit(LoadRequest(model="demo"), Preferences())
    (row,) = listed(jobs)["jobs"]
    assert (row["title"], row["kind"], row["editable"]) == ("Loading demo", "", False)


@pytest.mark.parametrize(("action", "order"), [("up", "bac"), ("down", "acb"), ("first", "bac"), ("cancel", "ac")])
def test_what_is_done_with_a_job_that_waits(client, jobs, action, order):
    waiting = {name: submit(jobs, name) for name in "abc"}
    answer = client.post(f"/page/queue/{waiting['b'].id}", json={"action": action})
    assert "".join(row["title"] for row in answer.json()["jobs"]) == order


def test_cancel_stops_a_job_that_runs(client, jobs):
    job = started(jobs)
    assert client.post(f"/page/queue/{job.id}", json={"action": "cancel"}).status_code == 200
    assert job.stop.level == Stop.NOW


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"action": "cancel"}', "text/plain", (415, 422)),
        (b"action=cancel", "application/x-www-form-urlencoded", (415, 422)),
        (b'{"action": "explode"}', "application/json", (422,)),
        (b'{"action": "up", "more": 1}', "application/json", (422,)),
    ],
)
def test_only_json_that_means_something_is_taken(client, jobs, body, kind, status):
    job = submit(jobs)
    answer = client.post(f"/page/queue/{job.id}", content=body, headers={"content-type": kind})
    assert answer.status_code in status and jobs.waiting() == (job,)


def test_a_job_that_is_over_or_unknown_is_said_to_be(client, jobs, tmp_path):
    for name in (ended(jobs, tmp_path).id, "../../etc/passwd", "unknown"):
        assert client.post(f"/page/queue/{name}", json={"action": "up"}).status_code in (404, 405)
    assert client.get("/page/queue/unknown/picture").status_code == 404


def test_thumbnails_are_small_and_of_what_there_is(client, jobs, tmp_path):
    done, running, plain = ended(jobs, tmp_path), started(jobs), submit(jobs)
    running.publish(Preview(jpeg(pixels(GenerationRequest(), 1))))
    data = io.BytesIO()
    Image.new("RGB", (300, 600), "red").save(data, "png")
    submit(jobs, init=InitImage(image=data.getvalue()))
    rows = listed(jobs)["jobs"]
    small = (client.get(row["picture"]).content for row in rows if row["picture"])
    sizes = [Image.open(io.BytesIO(picture)).size for picture in small]
    assert sizes == [(96, 96), (48, 96), (96, 48)]
    assert not next(row for row in rows if row["id"] == plain.id)["picture"]
    (tmp_path / "ended.png").unlink()
    assert client.get(f"/page/queue/{done.id}/picture").status_code == 204


def test_pictures_that_a_program_took_away_are_not_shown(jobs):
    request = GenerationRequest(prompt="a cat")
    for durable in (True, False):
        job = jobs.add(Job(request, Preferences(), durable=durable))
        job.publish(ImageSaved("/a.png", "text", request, "image"))
        jobs.stop(job)
    (shown,) = listed(jobs)["jobs"]
    assert jobs.get(shown["id"]).durable
