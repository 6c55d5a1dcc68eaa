"""The local worker builds its engine in the background, and says so when that failed."""

from __future__ import annotations

import threading

import pytest

from sdui.core.catalog import Catalog
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.local import LocalWorker
from sdui.jobs.queue import JobQueue


class Engine:
    def catalog(self):
        return Catalog(samplers=("Euler",))

    def library(self):
        return "its files"

    def run(self, task, preferences, emit, stop): ...

    def prepare(self, task):
        self.next = task


def test_jobs_wait_for_the_engine():
    built = threading.Event()

    def build():
        assert built.wait(10)
        return Engine()

    worker = LocalWorker(build)
    jobs = JobQueue([worker], lambda image, preferences: pytest.fail("nothing was drawn"))
    job = jobs.submit(GenerationRequest(), Preferences())
    assert not job.view().ended
    built.set()
    assert job.images() == []
    assert jobs.catalog().samplers == ("Euler",)
    assert jobs.library() == "its files"


def test_the_engine_hears_what_comes_next_once_it_is_there():
    built, engine = threading.Event(), Engine()

    def build():
        assert built.wait(10)
        return engine

    worker = LocalWorker(build)
    worker.prepare(GenerationRequest(prompt="early"))
    built.set()
    worker.catalog()
    assert not hasattr(engine, "next")
    worker.prepare(GenerationRequest(prompt="later"))
    assert engine.next.prompt == "later"


def test_a_failed_engine_fails_every_job_and_the_catalog():
    def build():
        raise RuntimeError("no CUDA device")

    jobs = JobQueue([LocalWorker(build)], lambda image, preferences: pytest.fail("nothing was drawn"))
    for _ in range(2):
        job = jobs.submit(GenerationRequest(), Preferences())
        assert job.images() == []
        assert job.view().error == "RuntimeError: no CUDA device"
    with pytest.raises(RuntimeError, match="no CUDA device"):
        jobs.catalog()
