"""The way from Generate to the picture on the page, whatever happens in between."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk import choose, fill, forget_jobs, function_index, generate, number, wait_for_picture

pytestmark = pytest.mark.browser


def test_generate_shows_the_picture_and_what_it_was_made_with(server, visitor):
    page = visitor.open(server.url)
    page.click("#txt2img_examples button >> nth=0")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a red apple, 3d style")
    generate(page, "a red apple, 3d style", seed=41)
    wait_for_picture(page, server)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 41")
    # The checkpoint's own size is the default.
    expect(page.locator("#txt2img_gallery img").first).to_have_js_property("naturalWidth", 128)
    assert visitor.strangers() == []
    assert visitor.complaints == []


def test_progress_preview_and_title_are_shown_while_a_job_runs(desk):
    server, page = desk
    server.worker.pace = 0.15
    generate(page, "slow")
    expect(page.locator("#txt2img_progress")).to_contain_text(re.compile(r"Sampling \d+/20.*%.* s left"))
    expect(page.locator("#txt2img_live_preview img")).to_be_visible()
    expect(page).to_have_title(re.compile(r"\[\d+%\] sdui"))
    wait_for_picture(page, server)
    expect(page.locator("#txt2img_live_preview img")).to_have_count(0)
    expect(page).to_have_title("sdui")


def test_interrupt_ends_the_job_and_the_page_can_generate_again(desk):
    server, page = desk
    server.worker.pace = 0.3
    generate(page, "long", steps=150)
    page.click("#txt2img_interrupt")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    assert server.services.jobs.list()[-1].view().state == "stopped"
    server.worker.pace = 0
    generate(page, "short", steps=2)
    wait_for_picture(page, server)


def test_skip_gives_up_one_batch_only(desk):
    server, page = desk
    server.worker.pace = 0.2
    generate(page, "two", steps=150, batch_count=2, seed=7)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.click("#txt2img_skip")
    server.worker.pace = 0.01
    wait_for_picture(page, server)
    assert [image.request.seed for image in server.services.jobs.list()[-1].view().images] == [8]


def test_keys_generate_and_interrupt(desk):
    server, page = desk
    server.worker.pace = 0.3
    fill(page, "keys", steps=100)
    page.press("#txt2img_prompt textarea", "Control+Enter")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    assert server.services.jobs.list()[-1].view().state == "stopped"


def test_reload_in_the_middle_of_a_job_finds_it_again(server, visitor):
    server.worker.pace = 0.3
    page = visitor.open(server.url)
    generate(page, "still here", steps=150, cfg_scale=4.5, width=192)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.reload()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("still here")
    assert (number(page, "steps"), number(page, "cfg_scale"), number(page, "width")) == ("150", "4.5", "192")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    server.worker.pace = 0.01
    wait_for_picture(page, server)
    page.reload()
    wait_for_picture(page, server)
    assert len(server.services.jobs.list()) == 1


def test_a_second_browser_follows_the_running_job_and_can_stop_it(server, visitor, new_visitor):
    server.worker.pace = 0.3
    first = visitor.open(server.url)
    generate(first, "shared", steps=100)
    expect(first.locator("#txt2img_progress")).to_contain_text("Sampling")
    second = new_visitor().open(server.url)
    expect(second.locator("#txt2img_prompt textarea")).to_have_value("shared")
    expect(second.locator("#txt2img_progress")).to_contain_text("Sampling")
    second.click("#txt2img_interrupt")
    expect(first.locator("#txt2img_generate")).to_be_visible()
    expect(second.locator("#txt2img_generate")).to_be_visible()


def test_another_browsers_job_waits_in_line(server, visitor, new_visitor):
    server.worker.pace = 0.3
    first, second = visitor.open(server.url), new_visitor().open(server.url)
    generate(first, "first", steps=100)
    expect(first.locator("#txt2img_progress")).to_contain_text("Sampling")
    generate(second, "second", steps=2)
    expect(second.locator("#txt2img_progress")).to_contain_text("Waiting for the running job")
    first.click("#txt2img_interrupt")
    wait_for_picture(second, server)


def test_a_failure_is_told_in_words(desk):
    _, page = desk
    generate(page, "fail")
    expect(page.locator("#html_log_txt2img .error")).to_have_text(
        "The network returned only NaN; try --precision fp32."
    )
    expect(page.locator("#txt2img_generate")).to_be_visible()


def test_an_answer_that_is_late_does_not_end_the_watch_over_a_newer_job(server, visitor):
    server.worker.pace = 0.2
    late = []

    def hold_the_end_of_the_load(route):
        answer = route.fetch()
        if route.request.post_data_json["fn_index"] == tick and '"finished"' in answer.text() and not late:
            late.append((route, answer))
        else:
            route.fulfill(response=answer)

    tick = function_index(server, "tick")
    page = visitor.open(server.url)
    page.route("**/run/predict*", hold_the_end_of_the_load)
    choose(page, "setting_sd_model_checkpoint", "large.safetensors")
    while not late:
        page.wait_for_timeout(50)
    generate(page, "newer", width=128, height=128)
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    ((route, answer),) = late
    route.fulfill(response=answer)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    server.worker.pace = 0.01
    wait_for_picture(page, server)


def test_a_job_that_the_server_forgot_ends_on_the_page_and_the_form_is_kept(server, visitor):
    server.worker.pace = 0.3
    page = visitor.open(server.url)
    generate(page, "forgotten", steps=100, seed=2**60 + 1)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    forget_jobs(server)
    expect(page.locator("#html_log_txt2img")).to_contain_text("does not know this page's last job any more")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    page.reload()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("forgotten")
    assert (number(page, "steps"), number(page, "seed")) == ("100", str(2**60 + 1))
