"""A page is told what it does not show yet, and nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import gradio as gr
import pytest

from sdui.core.events import Failed, Finished, ImageSaved, Notice, Preview, Progress, Started, Stop
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.settings import Preferences, SettingsFile
from sdui.jobs.job import Job
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import results

TEXT = "an apple\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64"


async def panel(folder: Path):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    services = Services(JobQueue([], lambda image, preferences: None), SettingsFile(folder / "c.json"), Launch())
    with gr.Blocks():
        buttons = {name: gr.Button(name) for name in ("generate", "interrupt", "interrupting", "skip")}
        return services.jobs, results.build(services, "txt2img", buttons)


@pytest.fixture
def jobs_and_parts(tmp_path):
    return asyncio.run(panel(tmp_path))


def started(task: GenerationRequest | LoadRequest) -> Job:
    job = Job(task, Preferences())
    job.publish(Started("w"))
    return job


def saved(folder: Path, seed: int) -> ImageSaved:
    path = folder / f"{seed}.png"
    path.touch()
    return ImageSaved(str(path), TEXT.replace("Seed: 1", f"Seed: {seed}"), GenerationRequest(seed=seed), "image")


def test_nothing_is_sent_when_nothing_changed(jobs_and_parts):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest())
    shown = parts.changes(job, jobs, {})[parts.shown]
    assert parts.changes(job, jobs, shown) == {}


def test_a_step_sends_the_progress_and_not_the_pictures_again(jobs_and_parts, tmp_path):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest())
    job.publish(Preview(b"one"))
    job.publish(saved(tmp_path, 1))
    shown = parts.changes(job, jobs, {})[parts.shown]
    job.publish(Progress("Sampling", 3, 20))
    assert set(parts.changes(job, jobs, shown)) == {parts.shown, parts.progress}


def test_an_answer_that_was_lost_is_sent_again(jobs_and_parts):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest())
    before = parts.changes(job, jobs, {})[parts.shown]
    job.publish(Preview(b"one"))
    assert parts.preview in parts.changes(job, jobs, before)
    assert parts.preview in parts.changes(job, jobs, before)


def test_the_first_picture_is_selected_even_when_two_come_at_once(jobs_and_parts, tmp_path):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest())
    shown = parts.changes(job, jobs, {})[parts.shown]
    job.publish(saved(tmp_path, 1))
    job.publish(saved(tmp_path, 2))
    updates = parts.changes(job, jobs, shown)
    assert updates[parts.gallery]["selected_index"] == 0
    assert "Seed:</b> 1" in updates[parts.info]
    job.publish(saved(tmp_path, 3))
    later = parts.changes(job, jobs, updates[parts.shown])
    assert "selected_index" not in later[parts.gallery], "what the user looks at stays"
    assert parts.info not in later


def test_the_buttons_follow_the_job(jobs_and_parts):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest())
    updates = parts.changes(job, jobs, {})
    assert (updates[parts.generate]["visible"], updates[parts.interrupt]["visible"]) == (False, True)
    job.publish(Finished())
    updates = parts.changes(job, jobs, updates[parts.shown])
    assert (updates[parts.generate]["visible"], updates[parts.interrupt]["visible"]) == (True, False)


def test_loading_a_checkpoint_leaves_the_pictures_and_the_generate_button(jobs_and_parts):
    jobs, parts = jobs_and_parts
    updates = parts.changes(started(LoadRequest(model="demo")), jobs, {})
    assert updates[parts.generate]["visible"] is True
    assert parts.gallery not in updates


def test_a_load_that_ends_well_leaves_the_message_that_stands_there(jobs_and_parts):
    jobs, parts = jobs_and_parts
    job = started(LoadRequest(model="demo"))
    shown = parts.changes(job, jobs, {})[parts.shown]
    job.publish(Finished())
    updates = parts.changes(job, jobs, shown)
    assert parts.progress in updates
    assert parts.log not in updates


def test_a_new_job_takes_the_message_about_an_older_one_away(jobs_and_parts):
    jobs, parts = jobs_and_parts
    assert parts.follow(started(GenerationRequest()), jobs)[parts.log] == ""


def test_notices_and_the_error_are_shown(jobs_and_parts):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest())
    job.publish(Notice("The prompt was cut."))
    job.publish(Failed("Out of memory: make the picture smaller."))
    log = parts.changes(job, jobs, {})[parts.log]
    assert "The prompt was cut." in log
    assert "Out of memory" in log


def test_the_button_says_that_the_last_picture_is_being_finished(jobs_and_parts):
    jobs, parts = jobs_and_parts
    job = started(GenerationRequest(batch_count=3))
    shown = parts.changes(job, jobs, {})[parts.shown]
    job.stop.request(Stop.AFTER)
    updates = parts.changes(job, jobs, shown)
    assert (updates[parts.interrupt]["visible"], updates[parts.interrupting]["visible"]) == (False, True)


def test_a_job_that_adds_to_what_is_there_has_its_newest_picture_selected(jobs_and_parts, tmp_path):
    jobs, parts = jobs_and_parts
    job = Job(GenerationRequest(), Preferences(), earlier=(saved(tmp_path, 1), saved(tmp_path, 2)))
    shown = parts.changes(job, jobs, {})[parts.shown]
    job.publish(Started("w"))
    job.publish(saved(tmp_path, 3))
    updates = parts.changes(job, jobs, shown)
    assert (len(updates[parts.gallery]["value"]), updates[parts.selected]) == (3, 2)
    assert "Seed:</b> 3" in updates[parts.info]
