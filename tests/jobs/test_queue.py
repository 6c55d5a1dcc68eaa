"""Any number of readers follow a job; stopping and failing concern that job alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sdui.core.catalog import Catalog
from sdui.core.errors import OutputError, RequestError
from sdui.core.events import (
    Failed,
    Finished,
    GeneratedImage,
    ImageReady,
    ImageSaved,
    Notice,
    Preview,
    Progress,
    Started,
    Stop,
    Stopped,
)
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs import queue as queue_module
from sdui.jobs.queue import JobQueue

PICTURE = GeneratedImage(np.zeros((8, 8, 3), np.uint8), GenerationRequest(prompt="a"))


class Scripted:
    """A worker that does what the prompt says."""

    name = "scripted"

    def __init__(self):
        self.ran, self.next = [], None
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.stopped_at = -1

    def catalog(self):
        return Catalog(samplers=("Euler",))

    def close(self): ...

    def prepare(self, task):
        self.next = task and task.prompt

    def run(self, task, preferences, emit, stop):
        self.ran.append(task.prompt)
        getattr(self, task.prompt.split()[0])(emit, stop)

    def draw(self, emit, stop):
        emit(ImageReady(PICTURE))

    def refuse(self, emit, stop):
        raise RequestError("no such sampler")

    def crash(self, emit, stop):
        raise ZeroDivisionError("oops")

    def count(self, emit, stop):
        for step in range(1, 101):
            emit(Progress("Sampling", step, 100))
            emit(Preview(b"%d" % step))

    def wait(self, emit, stop):
        self.begun.set()
        assert self.go_on.wait(10)

    def sample(self, emit, stop):
        for step in range(1000):
            self.stopped_at = step
            stop.check()
            if step == 3:
                self.begun.set()
                assert self.go_on.wait(10)


def save(image, preferences):
    return ImageSaved("/x.png", "text", image.request, image.kind), ""


@pytest.fixture
def worker():
    return Scripted()


@pytest.fixture
def jobs(worker):
    return JobQueue([worker], save)


def submit(jobs, prompt):
    return jobs.submit(GenerationRequest(prompt=prompt), Preferences())


def ended(job):
    """The job, after its end."""
    list(job.events())
    return job


def test_every_reader_sees_the_same_from_the_start(jobs, worker):
    job = submit(jobs, "wait")
    assert worker.begun.wait(10)
    heard = [[], [], []]
    readers = [threading.Thread(target=lambda into=into: into.extend(job.events())) for into in heard]
    for reader in readers:
        reader.start()
    worker.go_on.set()
    for reader in readers:
        reader.join(10)
    assert heard == [[Started("scripted"), Finished()]] * 3
    assert list(job.events()) == heard[0], "and so does one that comes after the end"


def test_a_reader_that_comes_back_sees_only_what_is_new(jobs):
    job = ended(submit(jobs, "draw"))
    assert list(job.events(after=1)) == [save(PICTURE, None)[0], Finished()]
    assert list(job.events(after=job.view().version)) == []


def test_a_picture_is_saved_before_anyone_hears_of_it(jobs):
    job = submit(jobs, "draw")
    assert job.images() == [save(PICTURE, None)[0]]
    assert job.view().images == (save(PICTURE, None)[0],)


def test_only_the_newest_progress_is_kept_and_no_preview_of_what_has_ended(jobs):
    job = ended(submit(jobs, "count"))
    assert list(job.events()) == [Started("scripted"), Progress("Sampling", 100, 100), Finished()]
    assert job.view().progress == Progress("Sampling", 100, 100)
    assert job.view().preview is None


def test_a_slow_reader_gets_the_end_although_progress_was_dropped(jobs, worker):
    job = submit(jobs, "count")
    reader = job.events()
    assert next(reader) == Started("scripted")
    ended(job)
    assert list(reader)[-1] == Finished()


def test_states(jobs, worker):
    first, second = submit(jobs, "wait"), submit(jobs, "draw")
    assert worker.begun.wait(10)
    assert (first.view().state, second.view().state) == ("running", "queued")
    worker.go_on.set()
    ended(second)
    assert (first.view().state, second.view().state) == ("finished", "finished")


def test_jobs_run_in_order(jobs, worker):
    waiting = submit(jobs, "wait")
    assert worker.begun.wait(10)
    later = [submit(jobs, f"draw {n}") for n in range(5)]
    assert [jobs.position(job) for job in (waiting, *later)] == [0, 0, 1, 2, 3, 4]
    worker.go_on.set()
    ended(later[-1])
    assert worker.ran == ["wait", *(f"draw {n}" for n in range(5))]
    assert jobs.list() == [waiting, *later]


def test_a_worker_hears_what_comes_next_while_it_runs(jobs, worker):
    submit(jobs, "wait")
    assert worker.begun.wait(10)
    assert worker.next is None
    first, second = submit(jobs, "draw 1"), submit(jobs, "draw 2")
    assert worker.next == "draw 1"
    jobs.stop(first)
    assert worker.next == "draw 2"
    worker.go_on.set()
    ended(second)
    assert worker.next is None


def test_a_waiting_job_that_is_stopped_never_runs(jobs, worker):
    first, second, third = submit(jobs, "wait"), submit(jobs, "draw 2"), submit(jobs, "draw 3")
    assert worker.begun.wait(10)
    jobs.stop(second)
    assert list(second.events()) == [Stopped()]
    worker.go_on.set()
    assert (ended(first).view().state, ended(third).view().state) == ("finished", "finished")
    assert worker.ran == ["wait", "draw 3"]


def test_a_waiting_job_can_be_moved_and_never_runs_twice(jobs, worker):
    running = submit(jobs, "wait")
    assert worker.begun.wait(10)
    first, second, third = (submit(jobs, f"draw {n}") for n in range(3))
    jobs.move(third, 0)
    jobs.move(first, 99)
    assert jobs.waiting() == (third, second, first) and worker.next == "draw 2"
    jobs.move(running, 0)
    early = jobs.submit(GenerationRequest(prompt="draw early"), Preferences(), place=1)
    worker.go_on.set()
    ended(first)
    jobs.move(early, 0)
    assert worker.ran == ["wait", "draw 2", "draw early", "draw 1", "draw 0"] and jobs.waiting() == ()


def test_a_withdrawn_job_says_where_it_was_and_one_that_runs_stays(jobs, worker):
    running = submit(jobs, "wait")
    assert worker.begun.wait(10)
    waiting = [submit(jobs, f"draw {n}") for n in range(3)]
    assert (jobs.withdraw(waiting[1]), jobs.withdraw(waiting[1]), jobs.withdraw(running)) == (1, None, None)
    worker.go_on.set()
    assert ended(running).view().state == "finished"
    ended(waiting[2])
    assert worker.ran == ["wait", "draw 0", "draw 2"]


def test_a_job_that_goes_on_from_another_shows_what_was_there_first(jobs):
    first = ended(submit(jobs, "draw"))
    second = ended(jobs.submit(GenerationRequest(prompt="draw"), Preferences(), earlier=first.view().gallery))
    assert second.view().gallery == first.view().gallery * 2 and second.images() == first.images()


def test_a_running_job_stops_within_one_step(jobs, worker):
    job = submit(jobs, "sample")
    assert worker.begun.wait(10)
    jobs.stop(job)
    worker.go_on.set()
    assert ended(job).view().state == "stopped"
    assert worker.stopped_at == 4


def test_stopping_twice_or_after_the_end_does_nothing(jobs):
    job = ended(submit(jobs, "draw"))
    jobs.stop(job)
    jobs.stop(job)
    assert job.view().state == "finished"


def test_a_skip_does_not_soften_a_stop(jobs, worker):
    job = submit(jobs, "sample")
    assert worker.begun.wait(10)
    jobs.stop(job, Stop.NOW)
    jobs.stop(job, Stop.SKIP)
    worker.go_on.set()
    assert ended(job).view().state == "stopped"


@pytest.mark.parametrize(("prompt", "error"), [("refuse", "no such sampler"), ("crash", "ZeroDivisionError: oops")])
def test_a_failure_is_the_jobs_not_the_queues(jobs, prompt, error):
    failed, next_one = submit(jobs, prompt), submit(jobs, "draw")
    assert list(failed.events()) == [Started("scripted"), Failed(error)]
    assert failed.view().error == error
    assert ended(next_one).view().state == "finished"


def test_a_picture_that_cannot_be_saved_fails_its_job(worker):
    def full(image, preferences):
        raise OutputError("/outputs is full")

    jobs = JobQueue([worker], full)
    assert ended(submit(jobs, "draw")).view().error == "/outputs is full"
    assert ended(submit(jobs, "count")).view().state == "finished"


def test_a_warning_of_the_store_reaches_the_page(worker):
    jobs = JobQueue([worker], lambda image, preferences: (save(image, preferences)[0], "saved elsewhere"))
    job = ended(submit(jobs, "draw"))
    assert job.view().notices == ("saved elsewhere",)
    assert Notice("saved elsewhere") in list(job.events())


def test_old_jobs_are_forgotten_and_the_newest_kept(jobs, monkeypatch):
    monkeypatch.setattr(queue_module, "KEPT_JOBS", 5)
    made = [ended(submit(jobs, f"draw {n}")) for n in range(20)]
    assert jobs.list() == made[-6:]
    assert (jobs.get(made[0].id), jobs.get(made[-1].id)) == (None, made[-1])


def test_waiting_jobs_are_never_forgotten(jobs, worker, monkeypatch):
    monkeypatch.setattr(queue_module, "KEPT_JOBS", 2)
    made = [submit(jobs, "wait"), *(submit(jobs, f"draw {n}") for n in range(10))]
    assert jobs.list() == made
    worker.go_on.set()
    ended(made[-1])


def test_close_stops_everything(jobs, worker):
    running, waiting = submit(jobs, "sample"), submit(jobs, "draw")
    assert worker.begun.wait(10)
    jobs.close()
    worker.go_on.set()
    assert [ended(job).view().state for job in (running, waiting)] == ["stopped", "stopped"]
