"""What the panel under the pictures says."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from sdui.core.events import Cell, ImageSaved, Stop
from sdui.core.extras import ExtrasRequest, Given
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.job import Job
from sdui.ui.results import Results

GRID = ImageSaved(
    "grid.png",
    "all of it\nSteps: 1, Seed: 1, Size: 64x64",
    GenerationRequest(),
    "grid",
    (
        Cell(10, 20, 64, 64, "a\nSteps: 1, Seed: 7, Size: 64x64"),
        Cell(74, 20, 64, 64, "b\nSteps: 1, Seed: 8, Size: 64x64"),
    ),
)


@pytest.fixture
def panel():
    job = SimpleNamespace(view=lambda: SimpleNamespace(gallery=(GRID,)))
    services = SimpleNamespace(jobs=SimpleNamespace(get={"1": job}.get))
    return Results(services, SimpleNamespace(info="info"))


@pytest.mark.parametrize(
    ("at", "says"), [("10,20", "<b>Seed:</b> 7"), ("80,30", "<b>Seed:</b> 8"), ("5,5", "all of it")]
)
def test_a_click_into_a_grid_tells_of_the_cell(panel, at, says):
    said = panel.point("1", 0, at)["info"]
    assert says in said and "data-grid" in said


@pytest.mark.parametrize(("job", "at"), [("1", ""), ("1", "nan,x"), ("2", "5,5")])
def test_a_click_that_says_nothing_changes_nothing(panel, job, at):
    assert panel.point(job, 0, at)["info"] == gr.skip()


SEVERAL, ONE = GenerationRequest(batch_count=2), GenerationRequest(batch_size=4)
PHOTOS = ExtrasRequest(pictures=(Given(data=b"1", name="1"), Given(data=b"2", name="2")))


@pytest.mark.parametrize(
    ("task", "wanted", "levels"),
    [
        (SEVERAL, True, [Stop.AFTER, Stop.NOW]),
        (PHOTOS, True, [Stop.AFTER, Stop.NOW]),
        (ONE, True, [Stop.NOW, Stop.NOW]),
        (SEVERAL, False, [Stop.NOW, Stop.NOW]),
    ],
)
def test_the_first_interrupt_waits_for_the_picture_where_more_are_to_come(task, wanted, levels):
    job = Job(task, Preferences())
    services = SimpleNamespace(
        jobs=SimpleNamespace(get={job.id: job}.get, stop=lambda job, level: job.stop.request(level)),
        settings=SimpleNamespace(current=Preferences(interrupt_after_current=wanted)),
    )
    parts = SimpleNamespace(progress="progress", log="log", buttons=lambda running, ending: {"interrupting": ending})
    panel, reached = Results(services, parts), []
    for _ in range(2):
        said = panel.interrupt(job.id)
        assert said["interrupting"] and ("end it at once" in said.get("log", "")) == (job.stop.level == Stop.AFTER)
        reached.append(job.stop.level)
    assert reached == levels


def test_two_pictures_are_compared_when_the_second_is_chosen(tmp_path):
    images = [ImageSaved(str(tmp_path / f"{n}.png"), f"a\nSteps: {n}", GenerationRequest(), "image") for n in range(2)]
    for image in images:
        (tmp_path / image.path).touch()
    job = SimpleNamespace(view=lambda: SimpleNamespace(gallery=tuple(images)))
    services = SimpleNamespace(jobs=SimpleNamespace(get={"1": job}.get))
    names = ("selected", "info", "marked", "comparison", "log")
    panel = Results(services, SimpleNamespace(**{name: name for name in names}, tools={"compare": "compare"}))
    marked = panel.compare("1", 0, None)["marked"]
    made = panel.select("1", marked, SimpleNamespace(index=1))
    assert "<del>0</del>" in made["comparison"] and "<ins>1</ins>" in made["comparison"] and made["marked"] is None
    assert "comparison" not in panel.compare("1", 0, marked), "a picture is not compared with itself"
    assert "comparison" not in panel.select("1", None, SimpleNamespace(index=1))
    assert "comparison" not in panel.compare("1", 0, ("forgotten", 0))
    assert "no picture" in panel.compare("1", 7, marked)["log"]
