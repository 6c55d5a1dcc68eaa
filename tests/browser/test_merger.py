"""The Checkpoint Merger in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from sdui.core.merging import MergeRequest
from tests.support.fake_worker import CATALOG
from tests.support.served_page import Server, Visitor, serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("merger"))


@pytest.fixture
def tab(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    server, page = lasting_server, lasting_visitor.page
    server.worker.given = CATALOG
    server.worker.loaded.set()
    lasting_visitor.open(server.url)
    page.click("#tab_modelmerger-button")
    return server, page


def choose(page: Page, elem_id: str, text: str) -> None:
    page.click(f"#{elem_id} input")
    page.get_by_role("option", name=text).click()
    expect(page.get_by_role("option")).to_have_count(0)


def test_a_merge_of_two_is_asked_for_with_the_controls_and_known_to_every_list(tab):
    server, page = tab
    expect(page.locator("#modelmerger_interp_description")).to_contain_text("two models are needed: A and B")
    expect(page.locator("#modelmerger_interp_description")).to_contain_text("A * (1 - M) + B * M")
    choose(page, "modelmerger_primary_model_name", "demo.safetensors")
    choose(page, "modelmerger_secondary_model_name", "large.safetensors")
    page.fill("#modelmerger_custom_name input", "mixed")
    page.fill("#modelmerger_interp_amount input[type=number]", "0.65")
    page.get_by_label("ckpt", exact=True).check()
    page.get_by_label("Save as float16").check()
    page.click("#modelmerger_merge")
    expect(page.locator("#modelmerger_result")).to_contain_text("Checkpoint saved to /models/mixed.ckpt.")
    asked = server.newest()
    first, second = (checkpoint.title for checkpoint in CATALOG.checkpoints[:2])
    assert asked == MergeRequest(
        primary=first, secondary=second, output="mixed", multiplier=0.65, format="ckpt", half=True
    )
    choose(page, "setting_sd_model_checkpoint", "mixed.ckpt [9876543210]")
    choose(page, "modelmerger_primary_model_name", "mixed.ckpt [9876543210]")


def test_the_method_says_how_many_models_it_needs(tab):
    _, page = tab
    expect(page.locator("#modelmerger_tertiary_model_name input")).to_be_disabled()
    page.get_by_label("Add difference").check()
    expect(page.locator("#modelmerger_interp_description")).to_contain_text("A + (B - C) * M")
    expect(page.locator("#modelmerger_tertiary_model_name input")).to_be_enabled()
    page.get_by_label("No interpolation").check()
    expect(page.locator("#modelmerger_secondary_model_name input")).to_be_disabled()


def test_what_is_missing_or_wrong_is_said(tab):
    server, page = tab
    page.click("#modelmerger_merge")
    expect(page.locator("#modelmerger_result .error")).to_contain_text("choose a checkpoint; Weighted sum needs one.")
    before = len(server.services.jobs.list())
    page.fill("#modelmerger_custom_name input", "../secret")
    page.click("#modelmerger_merge")
    expect(page.locator("#modelmerger_result .error")).to_contain_text("Custom Name (Optional): a plain file name")
    assert len(server.services.jobs.list()) == before


def test_metadata_is_read_from_the_chosen_checkpoints(tab):
    _, page = tab
    choose(page, "modelmerger_primary_model_name", "demo.safetensors")
    choose(page, "modelmerger_secondary_model_name", "large.safetensors")
    page.click("#modelmerger_metadata > button")
    page.click("#modelmerger_read_metadata")
    field = page.locator("#modelmerger_metadata_json textarea")
    expect(field).not_to_have_value("{}")
    assert json.loads(field.input_value()) == {"modelspec.title": "large", "demo": "yes", "large": "yes"}


def test_a_running_merge_shows_progress_survives_a_reload_and_can_be_interrupted(tab):
    server, page = tab
    server.worker.loaded.clear()
    choose(page, "modelmerger_primary_model_name", "demo.safetensors")
    page.get_by_label("No interpolation").check()
    page.fill("#modelmerger_custom_name input", "slow")
    page.click("#modelmerger_merge")
    expect(page.locator("#modelmerger_progress")).to_contain_text("Merging into slow.safetensors")
    page.reload()
    page.click("#tab_modelmerger-button")
    expect(page.locator("#modelmerger_progress")).to_contain_text("Merging into slow.safetensors")
    page.click("#modelmerger_interrupt")
    expect(page.locator("#modelmerger_result")).to_contain_text("Interrupted, nothing was written.")
