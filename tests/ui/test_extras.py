"""The Extras tab from its controls to a job, without a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import extras, results
from tests.support.fake_worker import CATALOG, FakeWorker
from tests.support.running import make_host

LOCAL = SimpleNamespace(headers={"host": "127.0.0.1:7860"}, client=SimpleNamespace(host="127.0.0.1"))
ELSEWHERE = SimpleNamespace(headers={"host": "server:7860"}, client=SimpleNamespace(host="10.0.0.7"))


class Notes(FakeWorker):
    """Only writes down what it is to do; a job's own copy loses its pictures when it ends."""

    def run(self, task, preferences, emit, stop):
        self.tasks.append(task)


async def build(services: Services):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    with gr.Blocks():
        return extras.build(services, CATALOG, results.remembered("extras"))


@pytest.fixture
def worker():
    return Notes()


@pytest.fixture
def tab(tmp_path: Path, worker):
    jobs = JobQueue([worker], lambda image, preferences: None)
    operations = make_host().request(ExtrasRequest, "operation")
    launch = Launch(data_dir=tmp_path)
    yield asyncio.run(build(Services(jobs, SettingsFile(tmp_path / "config.json"), launch, extras=operations)))
    jobs.close()


def submit(tab, where=LOCAL, mode="single", image=None, files=None, **changed):
    """The job, or what the page says instead."""
    shown = {name: component.value for name, component in tab.form.inputs().items()}
    values = shown | changed
    updates = tab.submit(where, job_id="", mode=mode, image=image, files=files, **values)
    job = tab.services.jobs.get(updates.get(tab.parts.job_id))
    if job is None:
        return updates[tab.parts.log]
    list(job.events())
    return job


def test_what_is_on_is_asked_for_with_its_values(tab, worker, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    submit(tab, image=str(tmp_path / "a.png"), extensions__upscale__scale=2, extensions__upscale__upscaler="Lanczos")
    (asked,) = worker.tasks
    assert [(given.name, given.data) for given in asked.pictures] == [("", b"a")]
    on = {name: values for name, values in asked.extensions if values is not None}
    assert on.keys() == {"upscale"} and on["upscale"].scale == 2 and on["upscale"].upscaler == "Lanczos"


def test_every_operation_can_be_switched_on(tab, worker, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    everything = {name: True for name in tab.form.inputs() if name.count("__") == 1}
    assert len(everything) >= 6
    submit(tab, image=str(tmp_path / "a.png"), **everything)
    assert all(values is not None for _, values in worker.tasks[0].extensions)


def test_several_files_keep_their_names_and_leave_the_memory_at_the_end(tab, worker, tmp_path):
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    job = submit(tab, mode="batch", files=[str(tmp_path / "a.png"), str(tmp_path / "b.jpg")])
    assert [given.name for given in worker.tasks[0].pictures] == ["a.png", "b.jpg"]
    assert job.task.pictures == ()


def test_only_the_open_tab_counts(tab, worker, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    submit(tab, mode="directory", image=str(tmp_path / "a.png"), input_dir=str(tmp_path))
    submit(tab, mode="single", image=str(tmp_path / "a.png"), input_dir=str(tmp_path), output_dir="/elsewhere")
    folder, single = worker.tasks
    assert folder.pictures == () and folder.input_dir == str(tmp_path)
    assert len(single.pictures) == 1 and single.input_dir == single.output_dir == ""


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, "choose a picture first"),
        ({"mode": "batch", "files": []}, "choose a picture first"),
        ({"mode": "directory"}, "Input directory: it is empty"),
        ({"mode": "directory", "input_dir": "/", "where": ELSEWHERE}, "only a browser on the server"),
        ({"image": "/nowhere/a.png"}, "a.png has to be handed over again"),
        ({"image": __file__, "extensions__upscale__scale": 1000}, "Resize: 1000 is too large"),
    ],
    ids=["nothing", "no files", "no folder", "from elsewhere", "gone", "out of range"],
)
def test_what_cannot_be_done_is_said(tab, worker, sent, says):
    assert says in submit(tab, **sent)
    assert worker.tasks == []
