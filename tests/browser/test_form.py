"""Numbers, texts and entries that people put into the form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from sdui.core.stages import Hires
from sdui.imaging.file_formats import read_infotext
from tests.browser.desk import choose, fill, generate, wait_for_picture
from tests.support.fake_worker import CATALOG

pytestmark = pytest.mark.browser


def test_what_is_typed_as_soon_as_the_page_is_there_stays(server, visitor):
    """Though the server still looks for the form of an earlier visit."""
    server.worker.delay = 1.5
    page = visitor.page
    page.goto(server.url)
    page.click("#txt2img_width input[type=number]", click_count=3)
    page.keyboard.type("100000")
    page.click("#txt2img_prompt textarea")
    page.keyboard.type("a cat")
    page.click("#txt2img_generate")
    expect(page.locator("#html_log_txt2img")).to_have_text("Width: 100000 is too large, at most 16384.")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a cat")


def test_a_bad_width_is_one_clear_message_and_the_page_goes_on(desk):
    server, page = desk
    before = server.services.jobs.list()
    generate(page, "too wide", width=100000)
    expect(page.locator("#html_log_txt2img")).to_have_text("Width: 100000 is too large, at most 16384.")
    assert server.services.jobs.list() == before
    generate(page, "fine", width=128)
    wait_for_picture(page, server)
    expect(page.locator("#html_log_txt2img .error")).to_have_count(0)


def test_a_number_beyond_the_slider_but_valid_is_used(desk):
    server, page = desk
    server.worker.pace = 0.001
    generate(page, "many steps", steps=180)
    wait_for_picture(page, server)
    assert server.newest().steps == 180


def test_switch_exchanges_width_and_height(desk):
    _, page = desk
    fill(page, "", width=640, height=448)
    page.click("#txt2img_res_switch_btn")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("448")
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("640")


BEYOND = (
    "a cat\nSteps: 3, Sampler: Euler, Schedule type: Automatic, CFG scale: 5, Seed: 3, Size: 64x64, Model: demo, "
    "Variation seed: 7, Variation seed strength: 0.25, Denoising strength: 0.4, Hires upscale: 1.5, "
    'Hires upscaler: Latent, ControlNet 0: "Module: canny, Weight: 1"'
)
"""Parameters of which many have no control on the page."""


def test_what_no_control_shows_is_kept_asked_for_and_can_be_removed(server, visitor):
    page = visitor.open(server.url)
    entries = page.locator("#txt2img_override_settings .token")
    expect(page.locator("#txt2img_override_settings")).to_have_count(0)
    fill(page, BEYOND)
    page.click("#paste")
    expect(entries).to_have_text(
        [
            "ControlNet 0: Module: canny, Weight: 1",
        ]
    )
    page.click("#txt2img_generate")
    wait_for_picture(page, server)
    asked = server.newest()
    assert (asked.subseed, asked.subseed_strength) == (7, 0.25)
    assert asked.hires == Hires(denoising_strength=0.4, scale=1.5)
    (picture,) = server.pictures()
    assert 'ControlNet 0: "Module: canny, Weight: 1"' in read_infotext(picture.read_bytes())
    page.reload()
    expect(entries).to_have_count(1)
    expect(page.locator("#txt2img_subseed input")).to_have_value("7")
    expect(page.locator("#txt2img_hr_scale input[type=number]")).to_have_value("1.5")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery img[src*='00001-']").first).to_be_visible()
    assert server.newest() == asked
    page.click("#txt2img_override_settings .remove-all")
    expect(page.locator("#txt2img_override_settings")).to_have_count(0)
    page.click("#txt2img_subseed_show input")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery img[src*='00002-']").first).to_be_visible()
    assert (server.newest().subseed_strength, server.newest().others) == (0, {})
    assert visitor.complaints == []


def test_a_page_that_is_opened_offers_what_came_after_the_server_started(desk):
    server, page = desk
    server.worker.given = replace(CATALOG, samplers=(*CATALOG.samplers, "One from an extension"))
    page.reload()
    choose(page, "txt2img_sampling", "One from an extension")
    generate(page, "with what is new")
    wait_for_picture(page, server)
    assert server.newest().sampler == "One from an extension"


def test_a_page_that_outlives_its_server_offers_what_the_next_one_has(desk):
    server, page = desk
    fill(page, "not sent yet")
    page.route("**/page/start", lambda route: route.fulfill(json={"start": "another"}))
    server.worker.given = replace(CATALOG, samplers=(*CATALOG.samplers, "One that came later"))
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    choose(page, "txt2img_sampling", "One that came later")
    assert page.locator("#txt2img_prompt textarea").input_value() == "not sent yet"
    page.unroute("**/page/start")
