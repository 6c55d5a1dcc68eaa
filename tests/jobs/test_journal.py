"""A server that was killed or stopped goes on with its queue, and still lists what it has made."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from sdui.builtin import all as builtin
from sdui.core import standing
from sdui.core.errors import RequestError
from sdui.core.events import Cell, Finished, ImageSaved, ModelSaved, Notice, PictureSaved, Progress
from sdui.core.extras import ExtrasRequest, Given
from sdui.core.merging import MergeRequest
from sdui.core.picture_batch import PictureSource
from sdui.core.request import BatchRequest, GenerationRequest, LoadRequest
from sdui.core.settings import Preferences, SettingsFile
from sdui.core.stages import InitImage
from sdui.extensions.host import Host
from sdui.jobs.job import Job
from sdui.jobs.journal import Journal
from sdui.jobs.queue import JobQueue


class Worker:
    """Draws "a" at once; "wait" and "hang" wait for `go_on`."""

    name = "worker"

    def __init__(self):
        self.ran, self.begun, self.go_on = [], threading.Event(), threading.Event()

    def prepare(self, task): ...
    def close(self): ...

    def run(self, task, preferences, emit, stop):
        self.ran.append(task)
        emit(Progress("Loading a checkpoint"))
        if getattr(task, "prompt", "") == "large":
            emit(Progress("Sampling", 0, 20))
        if getattr(task, "prompt", "") in ("wait", "large"):
            self.begun.set()
            assert self.go_on.wait(10)
            stop.check()
        if isinstance(task, GenerationRequest) and task.prompt == "fail":
            raise RequestError("no")
        emit(Notice("a word"))
        emit(ImageSaved("/made.png", "text", GenerationRequest(seed=7), "image", (Cell(1, 2, 3, 4, "cell"),)))


@pytest.fixture
def start(tmp_path):
    """A server's queue; what is open is what a killed server leaves."""
    opened = []

    def begin(worker=None, **classes):
        settings = SettingsFile(tmp_path / "config.json", classes.pop("settings", Preferences))
        journal = Journal(tmp_path / "jobs.sqlite", settings, **classes)
        jobs = JobQueue([worker] if worker else [], lambda image, preferences: (image, ""), journal=journal)
        opened.append((jobs, journal))
        return jobs

    def kill():
        """The connection alone goes, as with kill -9; nothing is said goodbye to."""
        _, journal = opened[-1]
        journal.close()

    begin.kill = kill
    yield begin
    for jobs, _ in opened:
        jobs.close()


def submit(jobs, prompt, **about):
    return jobs.add(Job(GenerationRequest(prompt=prompt), Preferences(), **about))


def seen(job):
    """Without what was only told while it ran."""
    return replace(job.view(), version=0, progress=None)


def prompts(jobs):
    return [job.task.prompt for job in jobs.waiting()]


def test_what_waits_still_waits_in_its_order_after_a_kill(start):
    jobs = start()
    submit(jobs, "a1", client="a"), submit(jobs, "a2", client="a"), submit(jobs, "b1", client="b")
    last = submit(jobs, "c", client="c", priority=-3, webhook="https://x/")
    jobs.move(last, 0)
    before = jobs.waiting()
    start.kill()
    again = start()
    assert prompts(again) == ["c", "a1", "b1", "a2"]
    same = [(one.id, one.client, one.priority, one.webhook, one.submitted) for one in before]
    assert [(one.id, one.client, one.priority, one.webhook, one.submitted) for one in again.waiting()] == same


def test_what_ran_runs_again_first(start):
    worker = Worker()
    jobs = start(worker)
    running = submit(jobs, "wait")
    assert worker.begun.wait(10)
    submit(jobs, "a")
    start.kill()
    again = Worker()
    again.go_on.set()
    jobs = start(again)
    for job in jobs.list():
        assert list(job.events())[-1] == Finished()
    assert [task.prompt for task in again.ran] == ["wait", "a"]
    assert jobs.list()[0].id == running.id
    worker.go_on.set()


def test_a_server_that_is_stopped_keeps_its_queue_as_well(start):
    worker = Worker()
    jobs = start(worker)
    submit(jobs, "wait"), submit(jobs, "a")
    assert worker.begun.wait(10)
    jobs.close()
    worker.go_on.set()
    assert prompts(start()) == ["wait", "a"]


def test_what_was_cancelled_stays_cancelled(start):
    jobs = start()
    cancelled, waiting = submit(jobs, "a"), submit(jobs, "b")
    jobs.stop(cancelled)
    start.kill()
    again = start()
    assert prompts(again) == ["b"]
    assert again.get(cancelled.id).view().state == "stopped"
    assert again.get(waiting.id).view().state == "queued"


def test_what_was_changed_stays_changed(start):
    jobs = start()
    first, second = submit(jobs, "a"), submit(jobs, "b")
    assert jobs.edit(second, task=GenerationRequest(prompt="c"), priority=1)
    jobs.stop(first)
    assert not jobs.edit(first, priority=1)
    start.kill()
    again = start()
    assert [(job.task.prompt, job.priority) for job in again.waiting()] == [("c", 1)]


def test_ended_jobs_still_show_what_they_made(start):
    jobs = start(Worker())
    made, failed = submit(jobs, "a"), submit(jobs, "fail")
    list(failed.events())
    start.kill()
    again = start()
    view = again.get(made.id).view()
    assert seen(again.get(made.id)) == seen(made)
    assert view.images[0].request.seed == 7 and view.images[0].cells[0].infotext == "cell"
    assert (again.get(failed.id).view().state, again.get(failed.id).view().error) == ("failed", "no")


def test_jobs_that_are_forgotten_in_memory_are_found_on_disk(start, monkeypatch):
    monkeypatch.setattr("sdui.jobs.queue.KEPT_JOBS", 2)
    jobs = start(Worker())
    made = [submit(jobs, "a") for _ in range(6)]
    list(made[-1].events())
    submit(jobs, "a")
    assert made[0] not in jobs.list()
    assert seen(jobs.get(made[0].id)) == seen(made[0])
    assert jobs.get("nothing") is None


def test_every_kind_of_work_that_can_be_done_again_is_kept(start):
    jobs, preferences = start(), Preferences()
    picture = b"\x89PNG\x00\xff"
    tasks = [
        GenerationRequest(prompt="a", init=InitImage(image=picture)),
        BatchRequest(request=GenerationRequest(prompt="b"), source=PictureSource(pictures=(Given(data=picture),))),
        ExtrasRequest(pictures=(Given(data=picture, name="x"),)),
        MergeRequest(primary="a", secondary="b"),
    ]
    for task in tasks:
        jobs.submit(task, preferences)
    jobs.submit(LoadRequest(model="x"), preferences)
    jobs.add(Job(GenerationRequest(prompt="for one who is gone"), preferences, durable=False))
    start.kill()
    again = start()
    assert [job.task for job in again.waiting()] == tasks
    assert [job.task.model_fields_set for job in again.waiting()] == [task.model_fields_set for task in tasks]


def test_parameters_of_extensions_and_settings_are_kept(start):
    host = Host()
    builtin.add_all(host, ["params"])
    requests = host.request(GenerationRequest, "always", "script")
    classes = {"requests": requests, "settings": standing.preferences(requests)}
    jobs = start(**classes)
    request = requests.model_validate({"extensions": {"loopback": {"loops": 3}}})
    settings = classes["settings"](samples_format="webp", CLIP_stop_at_last_layers=2)
    jobs.submit(request, settings)
    jobs.submit(BatchRequest(request=request), settings)
    start.kill()
    again = start(**classes).waiting()
    assert [job.task for job in again] == [request, BatchRequest(request=request)]
    assert again[0].preferences == settings
    start.kill()
    assert start().waiting() == (), "without its extension it cannot be drawn"


def test_a_job_that_ends_the_server_again_and_again_is_given_up(start, caplog):
    for _ in range(3):
        worker = Worker()
        jobs = start(worker)
        job = (jobs.list() or [submit(jobs, "large")])[0]
        assert worker.begun.wait(10)
        start.kill()
        worker.go_on.set()
    jobs = start()
    assert jobs.waiting() == ()
    assert "ended 3 times" in jobs.get(job.id).view().error
    assert "ended 3 times" in caplog.text


def test_what_only_loads_a_checkpoint_is_tried_as_often_as_it_takes(start):
    for _ in range(5):
        worker = Worker()
        jobs = start(worker)
        job = (jobs.list() or [submit(jobs, "wait")])[0]
        assert worker.begun.wait(10)
        start.kill()
        worker.go_on.set()
    assert start().get(job.id).view().state == "queued"


def test_a_second_server_goes_without(start, tmp_path, caplog):
    submit(start(), "a")
    other = Journal(tmp_path / "jobs.sqlite", SettingsFile(tmp_path / "config.json"))
    with closing(JobQueue([], lambda image, preferences: (image, ""), journal=other)) as jobs:
        assert jobs.waiting() == ()
        submit(jobs, "b")
    assert "another server's" in caplog.text


def test_a_damaged_file_is_put_aside(start, tmp_path, caplog):
    (tmp_path / "jobs.sqlite").write_bytes(b"no database" * 1000)
    jobs = start()
    submit(jobs, "a")
    start.kill()
    assert prompts(start()) == ["a"]
    assert (tmp_path / "jobs.sqlite.damaged").exists() and "cannot be read" in caplog.text


def test_a_disk_that_refuses_costs_no_job(start, tmp_path, caplog, monkeypatch):
    worker = Worker()
    jobs = start(worker)
    with sqlite3.connect(tmp_path / "jobs.sqlite") as other, caplog.at_level(logging.WARNING):
        other.execute("DROP TABLE events")
        job = submit(jobs, "a")
        assert list(job.events())[-1] == Finished()
    other.close()
    assert "cannot be written down" in caplog.text


def test_pictures_and_models_of_other_work_are_kept(start):
    class Other(Worker):
        def run(self, task, preferences, emit, stop):
            emit(PictureSaved("/x.png", "info"))
            emit(ModelSaved("/m.safetensors", "ab"))

    jobs = start(Other())
    job = jobs.submit(ExtrasRequest(), Preferences())
    list(job.events())
    start.kill()
    view = start().get(job.id).view()
    assert view.pictures == (PictureSaved("/x.png", "info"),) and view.model == ModelSaved("/m.safetensors", "ab")
