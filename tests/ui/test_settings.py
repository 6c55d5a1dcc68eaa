"""The Settings tab's pages, and what the controls of the other tabs begin with."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.core.launch import Launch
from sdui.core.params import Param, declared
from sdui.core.settings import Preferences, SettingsFile
from sdui.core.settings_history import Difference, differences
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import page, setting_rows, settings
from tests.support.fake_worker import FakeWorker


@pytest.fixture
def jobs():
    made = JobQueue([FakeWorker()], lambda image, preferences: None)
    yield made
    made.close()


def served(jobs, folder: Path, **look) -> Services:
    return Services(jobs, SettingsFile(folder / "config.json"), Launch(data_dir=folder, **look), {"version": "0.0"})


async def build(services: Services) -> gr.Blocks:
    return page.build(services)


def parts(services: Services) -> dict[str, object]:
    """Components by element id."""
    blocks = asyncio.run(build(services)).blocks.values()
    return {block.elem_id: block for block in blocks if getattr(block, "elem_id", None)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    services = served(jobs, tmp_path_factory.mktemp("built"))
    made = asyncio.run(build(services))
    app = FastAPI()
    for router in settings.routes(services, made):
        app.include_router(router)
    yield services, made, TestClient(app)
    jobs.close()


def test_everything_has_the_ids_of_a1111(built):
    _, made, _ = built
    ids = {getattr(block, "elem_id", None) for block in made.blocks.values()}
    wanted = (
        "settings_submit settings_restart_gradio settings_result settings_search settings_show_all_pages "
        "settings_show_one_page settings settings_live_previews column_settings_live_previews settings_tab_defaults "
        "ui_defaults_view ui_defaults_apply settings_tab_sysinfo sysinfo_download settings_tab_actions "
        "request_notifications download_localization sett_unload_sd_model sett_reload_sd_model "
        "calculate_all_checkpoint_hash settings_tab_licenses licenses"
    )
    assert set(wanted.split()) <= ids


def test_every_shown_preference_has_a_row(built):
    _, made, _ = built
    ids = {getattr(block, "elem_id", None) for block in made.blocks.values()}
    assert {f"setting_{d.path}" for d in declared(Preferences) if d.param.section} <= ids


CONFIG = {
    "txt2img/Sampling steps/value": 33,
    "txt2img/Sampling steps/maximum": 200,
    "customscript/sampler.py/img2img/Sampling method/value": "Euler a",
    "txt2img/Seed/value": 5,
    "txt2img/Width/value": 640,
    "txt2img/Hires. fix/value": True,
    "txt2img/Batch size/visible": False,
    "txt2img/Batch count/visible": True,
    "extras/Resize/value": 3,
}


def test_controls_begin_with_what_the_file_says(jobs, tmp_path):
    (tmp_path / "ui-config.json").write_text(json.dumps(CONFIG))
    made = parts(served(jobs, tmp_path))
    steps = made["txt2img_steps"]
    assert (steps.value, steps.minimum, steps.maximum) == (33, 1, 200)
    assert (made["img2img_steps"].value, made["img2img_sampling"].value) == (20, "Euler a")
    assert (made["txt2img_seed"].value, made["txt2img_width"].value) == ("5", 640)
    assert made["txt2img_hr-checkbox"].value is True and made["txt2img_hr"].open
    assert (made["txt2img_batch_size"].visible, made["txt2img_batch_count"].visible) == (False, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "many"},
        {"value": True},
        {"value": None},
        {"minimum": 500},
        {"step": 0},
        {"maximum": "x"},
        {"visible": "no"},
        {"value": {"a": 1}},
    ],
)
def test_what_a_control_cannot_take_is_passed_over(jobs, tmp_path, wrong):
    (tmp_path / "ui-config.json").write_text(
        json.dumps({f"txt2img/Sampling steps/{name}": value for name, value in wrong.items()})
    )
    steps = parts(served(jobs, tmp_path))["txt2img_steps"]
    assert (steps.value, steps.minimum, steps.maximum, steps.step, steps.visible) == (20, 1, 150, 1, True)


def test_a_damaged_file_of_defaults_is_said_on_the_page(jobs, tmp_path):
    (tmp_path / "ui-config.json").write_text("{")
    assert "ui-config.json.damaged" in parts(served(jobs, tmp_path))["extension_problems"].value


def test_a_setting_that_needs_a_restart_is_named():
    late = Param("Listen to the moon", restart=True)
    (changed,) = differences(Preferences(), Preferences(jpeg_quality=50))
    one = Difference(type(changed.declared)("moon", changed.declared.field, late), 1, 2)
    words = setting_rows.changes_in_words([changed, one])
    assert words == "2 settings changed and saved. Start the server again for: Listen to the moon."


def test_the_history_says_what_was_changed(jobs, tmp_path):
    services = served(jobs, tmp_path)
    services.settings.change(jpeg_quality=50, outdir_save="<b>")
    fns = asyncio.run(build(services)).fns.values()
    show = next(fn.fn for fn in fns if getattr(fn.fn, "__qualname__", "") == "HistoryPage.show")
    (text,) = show().values()
    assert "Quality for saved jpeg and avif images</th><td>80</td><td>50</td>" in text
    assert "&lt;b&gt;" in text and "<b><" not in text


def test_licenses_name_what_is_shipped_and_installed(built):
    _, _, client = built
    for route in ("shipped/sdui", "shipped/clip", "package/gradio"):
        assert "icens" in client.get(f"/page/licenses/{route}").text
    for route in ("shipped/other", "package/no-such-package", "package/..%2f..%2fetc", "shipped/..%2fconfig"):
        assert client.get(f"/page/licenses/{route}").status_code == 404


def test_the_template_for_translations_has_every_kind_of_text(built):
    _, _, client = built
    told = client.get("/page/localization-template").json()
    assert set(told.values()) == {""}
    wanted = {
        "Sampling steps",
        "How many times the picture is improved; more is slower and, past some point, no better.",
        "Generate",
        "txt2img",
        "Hires. fix",
        "Live previews",
        "Quality for saved jpeg and avif images",
    }
    assert wanted <= told.keys()
    assert "Open" not in told, "what is hidden needs no translation"
