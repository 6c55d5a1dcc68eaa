"""From a text to the form and from the form to a job, without a browser."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import gradio as gr
import pytest

from sdui.core import infotext, standing
from sdui.core.events import ImageSaved
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.settings import Preferences, SettingsFile
from sdui.core.stages import Hires
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import checkpoints, results, txt2img
from tests.support.fake_worker import FakeWorker
from tests.support.servers import wait_until

TEXT = (
    "a cat\nSteps: 2, Sampler: Euler a, Schedule type: Karras, CFG scale: 5, Seed: 3, Size: 64x64, Model: demo, "
    "Variation seed: 7, Variation seed strength: 0.25, Denoising strength: 0.4, Clip skip: 2, RNG: CPU, "
    'Hires upscale: 1.5, Hires upscaler: Latent, ControlNet 0: "Module: canny, Weight: 1", Version: v1.10.1'
)
ENTRIES = [
    "Clip skip: 2",
    "RNG: CPU",
    "ControlNet 0: Module: canny, Weight: 1",
]


async def build(services: Services):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    catalog = services.jobs.catalog()
    with gr.Blocks():
        return txt2img.build(services, catalog, checkpoints.build(services, catalog), results.remembered("txt2img"))


@pytest.fixture
def tab(tmp_path: Path):
    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    settings = SettingsFile(tmp_path / "config.json", standing.preferences(GenerationRequest))
    yield asyncio.run(build(Services(jobs, settings, Launch(data_dir=tmp_path))))
    jobs.close()


def values(tab, updates) -> dict:
    """What the form would send after these updates."""
    shown = {name: component.value for name, component in tab.form.inputs().items()}
    changed = {
        name: updates[component]["value"] for name, component in tab.form.inputs().items() if component in updates
    }
    return shown | changed


def entries(tab, updates) -> list[str]:
    update = updates[tab.overrides]
    assert update["visible"] == bool(update["value"])
    assert update["choices"] == update["value"]
    return update["value"]


def said(tab, updates) -> str:
    return updates[tab.parts.log]


def submitted(tab) -> GenerationRequest:
    return tab.services.jobs.list()[-1].task


def test_what_no_control_shows_becomes_an_entry(tab):
    updates = tab.show_infotext(TEXT)
    assert entries(tab, updates) == ENTRIES
    shown = values(tab, updates)
    assert (shown["subseed_show"], shown["subseed"], shown["subseed_strength"]) == (True, "7", 0.25)


def test_without_extra_the_variation_seed_counts_for_nothing(tab):
    shown = values(tab, {}) | {"subseed": "7", "subseed_strength": 0.5, "seed_resize_from_w": 64}
    tab.submit("", [], **shown)
    assert (submitted(tab).subseed_strength, submitted(tab).seed_resize_from_w) == (0, 0)
    tab.submit("", [], **shown | {"subseed_show": True})
    assert (submitted(tab).subseed, submitted(tab).subseed_strength, submitted(tab).seed_resize_from_w) == (7, 0.5, 64)


def test_a_refiner_needs_a_checkpoint(tab):
    updates = tab.submit("", [], **values(tab, {}) | {"refiner": True})
    assert "Refiner checkpoint: choose one." in said(tab, updates)
    tab.submit("", [], **values(tab, {}) | {"refiner": True, "refiner__model": "large.safetensors [abcdefabcd]"})
    assert submitted(tab).refiner.switch_at == 0.8


def test_settings_that_are_parameters_count_for_every_picture(tab):
    tab.services.settings.change(CLIP_stop_at_last_layers=2, eta_ancestral=0.5, img2img_fix_steps=True)
    tab.submit("", [], **values(tab, {}))
    assert (submitted(tab).clip_skip, submitted(tab).sampling.eta_ancestral) == (2, 0.5)
    assert submitted(tab).init is None


def test_a_text_that_says_less_than_the_settings_still_gives_its_own_picture(tab):
    tab.services.settings.change(CLIP_stop_at_last_layers=2, eta_ancestral=0.5)
    updates = tab.show_infotext("a\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64, Clip skip: 2")
    assert entries(tab, updates) == ["Eta: 1"]
    tab.submit("", ["Eta: 1"], **values(tab, updates))
    assert (submitted(tab).clip_skip, submitted(tab).sampling.eta_ancestral) == (2, 1)


def test_generate_asks_for_the_very_request_of_the_text(tab):
    updates = tab.show_infotext(TEXT)
    tab.submit("", entries(tab, updates), **values(tab, updates))
    chosen = {"model": "demo.safetensors [0123456789]"}
    assert submitted(tab) == infotext.read(TEXT).model_copy(update=chosen)


def test_an_entry_that_is_removed_asks_for_the_default(tab):
    updates = tab.show_infotext(TEXT)
    left = [entry for entry in entries(tab, updates) if not entry.startswith("RNG")]
    tab.submit("", left, **values(tab, updates))
    assert (submitted(tab).randn_source, submitted(tab).subseed) == ("GPU", 7)


def test_a_text_without_more_than_the_controls_takes_the_entries_away(tab):
    assert entries(tab, tab.show_infotext("a\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64")) == []


def test_another_visit_finds_the_entries_again(tab):
    updates = tab.show_infotext(TEXT)
    shown = {name.replace("__", "."): value for name, value in values(tab, updates).items()}
    draft = json.dumps(shown | {"overrides": entries(tab, updates)})
    tab.submit("", entries(tab, updates), **values(tab, updates))
    job = tab.services.jobs.list()[-1]
    assert entries(tab, tab.attach(job.id, "")) == ENTRIES
    list(job.events())
    assert entries(tab, tab.attach("", draft)) == ENTRIES


def test_a_picture_made_from_another_one_stays_txt2img_and_says_so(tab):
    updates = tab.show_infotext(
        "a\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64, Denoising strength: 0.3, Mask blur: 4, Tiling: True"
    )
    assert "made from another picture, which its text does not hold and this tab cannot take" in said(tab, updates)
    assert entries(tab, updates) == ["Tiling: True"]
    tab.submit("", entries(tab, updates), **values(tab, updates))
    assert submitted(tab).init is None


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (["Hires upscale: 99"], "Hires upscale: &#x27;99&#x27; is too large, at most 16."),
        (["Denoising strength: 0.5"], "&#x27;Denoising strength: 0.5&#x27; does nothing here; remove it."),
        (["<b>"], "&#x27;Key: value&#x27; is needed, not &#x27;&lt;b&gt;&#x27;."),
        ("RNG: CPU", "a list of entries is needed."),
        ({"RNG": "CPU"}, "a list of entries is needed."),
        ([["RNG", "CPU"]], "&#x27;Key: value&#x27; is needed"),
    ],
)
def test_a_bad_entry_is_named_and_nothing_is_drawn(tab, sent, message):
    assert message in said(tab, tab.submit("", sent, **values(tab, {})))
    assert tab.services.jobs.list() == []


def test_no_entries_are_no_error(tab):
    tab.submit("", None, **values(tab, {}))
    assert submitted(tab).hires is None


def test_a_job_with_more_than_the_page_shows_is_seen_on_it(tab):
    job = tab.services.jobs.submit(
        GenerationRequest(hires=Hires(steps=3, token_merging_ratio=0.3)), tab.services.settings.current
    )
    updates = tab.attach(job.id, "")
    assert entries(tab, updates) == ["Token merging ratio hr: 0.3"]
    assert [updates[tab.form.components[path]]["value"] for path in ("hires", "hires.steps")] == [True, 3]


def test_hires_fix_is_shown_when_a_text_has_it_and_put_away_when_it_has_none(tab):
    updates = tab.show_infotext(TEXT)
    assert said(tab, updates).count("not available") == 0
    (accordion,) = (part for part in updates if isinstance(part, gr.Accordion))
    assert updates[accordion]["open"]
    again = tab.show_infotext("a\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64")
    tab.submit("", [], **values(tab, updates) | {"hires": again[tab.form.components["hires"]]["value"]})
    assert submitted(tab).hires is None


def drawn(tab, folder, **values):
    """A job that has ended, with one picture."""
    image = ImageSaved(str(folder / "1.png"), "a\nSteps: 2", GenerationRequest(seed=7, **values), "image")
    (folder / "1.png").touch()
    job = tab.services.jobs.submit(GenerationRequest(steps=1), Preferences(), earlier=(image,))
    wait_until(lambda: job.view().ended)
    return job, image


def test_upscale_draws_the_selected_picture_again_with_the_hires_settings_of_the_form(tab, tmp_path):
    job, image = drawn(tab, tmp_path, prompt="a", width=64)
    asked = values(tab, {}) | {"prompt": "something else", "width": "nonsense", "hires__scale": 1.5, "hires": False}
    updates = tab.upscale(job.id, 0, **asked)
    made = tab.services.jobs.list()[-1]
    assert made.task == image.request.model_copy(update={"hires": Hires(scale=1.5)})
    assert made.view().earlier == (image,) and updates[tab.parts.job_id] == made.id
    assert tab.parts.gallery not in updates, "what is shown stays until there is more"


def test_what_cannot_be_upscaled_is_said(tab, tmp_path):
    job, _ = drawn(tab, tmp_path)
    count = len(tab.services.jobs.list())
    assert "Choose a picture" in said(tab, tab.upscale("unknown", 0, **values(tab, {})))
    assert "Choose a picture" in said(tab, tab.upscale(job.id, 5, **values(tab, {})))
    assert "Upscale by" in said(tab, tab.upscale(job.id, 0, **values(tab, {}) | {"hires__scale": -1}))
    assert len(tab.services.jobs.list()) == count


def test_enqueue_adds_a_job_and_the_page_follows_what_it_did(tab):
    updates = tab.enqueue([], **values(tab, {}) | {"prompt": "later"})
    assert submitted(tab).prompt == "later" and tab.parts.job_id not in updates
    assert "Enqueued" in said(tab, updates)
    assert "Width" in said(tab, tab.enqueue([], **values(tab, {}) | {"width": 100000}))


def test_a_job_that_is_edited_comes_back_to_its_place(tab):
    jobs = tab.services.jobs
    jobs._workers[0].loaded.clear()
    jobs.submit(LoadRequest(model="demo"), Preferences())
    wait_until(lambda: not jobs.waiting())
    waiting = [jobs.submit(GenerationRequest(prompt=name, steps=1), Preferences()) for name in "abc"]
    updates = tab.edit(waiting[1], jobs.withdraw(waiting[1]))
    again = values(tab, updates)
    assert (again["prompt"], updates[tab.place]) == ("b", 1)
    tab.enqueue([], place=updates[tab.place], **again | {"prompt": "better"})
    assert [job.task.prompt for job in jobs.waiting()] == ["a", "better", "c"]
    jobs._workers[0].loaded.set()
