"""What the page shows of outside texts is text, never markup."""

from __future__ import annotations

import pytest

from sdui.core.events import Progress
from sdui.jobs.job import View
from sdui.ui import markup

EVIL = '<img src=x onerror="alert(1)">'
INFOTEXT = f"{EVIL}\nNegative prompt: {EVIL}\nSteps: 20, Sampler: {EVIL}, Seed: 1, Size: 64x64"


@pytest.mark.parametrize(
    "shown",
    [
        markup.summary(INFOTEXT),
        markup.table(INFOTEXT),
        markup.messages([EVIL], EVIL),
        markup.progress(View(1, "running", Progress(EVIL)), 0),
        markup.versions({EVIL: EVIL}),
    ],
)
def test_markup_in_texts_is_escaped(shown):
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_progress_tells_steps_percent_and_time_left():
    view = View(1, "running", Progress("Sampling", 9, 20, 0.45, 75.2))
    assert ">Sampling 9/20<" in markup.progress(view, 0)
    assert ">45%, 1 min 15 s left<" in markup.progress(view, 0)


def test_a_waiting_job_tells_its_place():
    assert "next in line" in markup.progress(View(0, "queued"), 0)
    assert "2 more before it" in markup.progress(View(0, "queued"), 2)


def test_an_ended_job_has_no_progress_bar():
    assert markup.progress(View(9, "finished", Progress("Sampling", 20, 20, 1.0, 0.0)), 0) == ""


def test_a_table_has_a_row_for_each_parameter():
    text = markup.table("a\nb\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64")
    assert "<dt>Prompt</dt><dd>a<br>b</dd>" in text
    assert "<dt>Seed</dt><dd>1</dd>" in text
    assert "Negative prompt" not in text
