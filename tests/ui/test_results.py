"""What the panel under the pictures says."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from sdui.core.events import Cell, ImageSaved
from sdui.core.request import GenerationRequest
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
