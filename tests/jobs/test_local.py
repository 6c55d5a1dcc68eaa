"""The local worker builds its engine in the background, and says so when that failed."""

from __future__ import annotations

import threading

import pytest

from sdui.core.catalog import Catalog
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.catalog_memory import CatalogMemory
from sdui.jobs.local import LocalWorker
from sdui.jobs.queue import JobQueue


class Engine:
    def __init__(self, samplers=("Euler",)):
        self.samplers = samplers

    def catalog(self):
        return Catalog(samplers=self.samplers)

    def library(self):
        return "its files"

    def run(self, task, preferences, emit, stop): ...

    def prepare(self, task):
        self.next = task

    def close(self): ...


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


def test_the_next_start_knows_the_catalog_before_its_engine_stands(tmp_path):
    path = tmp_path / "cache/catalog.json"
    first = LocalWorker(Engine, memory=CatalogMemory(path, "one server"))
    assert first.catalog().samplers == ("Euler",)
    first.close()

    built, failed = threading.Event(), threading.Event()

    def build():
        built.set()
        return Engine(("Euler", "Heun"))

    second = LocalWorker(build, memory=CatalogMemory(path, "one server"))
    assert second.catalog().samplers == ("Euler",)
    assert not built.is_set(), "the page comes first"
    second.begin(after=0, failed=failed.set)
    assert second.fresh_catalog().samplers == second.catalog().samplers == ("Euler", "Heun")
    second.check()
    assert not failed.is_set()


@pytest.mark.parametrize("damage", ["", "{", '{"of": "another server", "catalog": {"samplers": ["Euler"]}}'])
def test_a_memory_that_cannot_be_used_is_none(tmp_path, damage):
    path = tmp_path / "catalog.json"
    path.write_text(damage)
    worker = LocalWorker(Engine, memory=CatalogMemory(path, "one server"))
    assert worker.catalog().samplers == ("Euler",)
    worker.close()
    assert CatalogMemory(path, "one server").catalog == Catalog(samplers=("Euler",))


def test_an_engine_that_fails_late_says_so(tmp_path):
    memory, failed = CatalogMemory(tmp_path / "catalog.json", ""), threading.Event()
    memory.keep(Catalog(samplers=("Euler",)))

    def build():
        raise RuntimeError("no CUDA device")

    worker = LocalWorker(build, memory=memory)
    worker.begin(after=0, failed=failed.set)
    assert failed.wait(10)
    with pytest.raises(RuntimeError, match="no CUDA device"):
        worker.check()
