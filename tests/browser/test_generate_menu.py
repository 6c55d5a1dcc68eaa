"""The menu of Generate, and Interrupt with A1111's meaning."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk import fill, generate
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser


def test_generate_forever_goes_on_until_it_is_cancelled(desk):
    server, page = desk
    server.worker.pace = 0.05
    fill(page, "again", steps=8)
    before = len(server.services.jobs.list())
    page.click("#txt2img_generate", button="right")
    expect(page.get_by_role("menuitem", name="Cancel generate forever")).to_be_disabled()
    page.get_by_role("menuitem", name="Generate forever", exact=True).click()
    expect(page.locator("#txt2img_forever")).to_be_visible()
    wait_until(lambda: len(server.services.jobs.list()) >= before + 2)
    page.locator("#txt2img_generate_menu").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_forever")).to_be_hidden()
    expect(page.locator("#txt2img_generate")).to_be_visible()
    ended = len(server.services.jobs.list())
    page.wait_for_timeout(1000)
    assert len(server.services.jobs.list()) == ended


def test_the_menu_is_reached_by_keys_and_escape_only_closes_it(desk):
    server, page = desk
    server.worker.pace = 0.3
    generate(page, "long", steps=100)
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    page.locator("#txt2img_interrupt").focus()
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_be_hidden()
    expect(page.locator("#txt2img_interrupt")).to_be_focused()
    assert server.services.jobs.list()[-1].view().state == "running"
    page.keyboard.press("Escape")
    expect(page.locator("#txt2img_generate")).to_be_visible()


@pytest.mark.parametrize(
    ("state", "due"),
    [
        ("{ready: true, waited: 10, begun: true}", True),
        ("{ready: true, waited: 10, begun: false}", False),
        ("{ready: true, waited: 9999, begun: false}", True),
        ("{ready: false, waited: 9999, begun: true}", False),
    ],
)
def test_generate_is_clicked_again_when_the_job_is_over_or_none_came(desk, state, due):
    _, page = desk
    assert page.evaluate(f"import('/ui/generate_menu.js').then(m => m.isDue({state}))") is due


def test_the_first_interrupt_lets_the_picture_be_finished(desk):
    server, page = desk
    server.worker.pace = 0.3
    generate(page, "several", steps=20, batch_count=9)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.keyboard.press("Escape")
    expect(page.locator("#txt2img_interrupting")).to_have_text("Interrupting...")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    job = server.services.jobs.list()[-1]
    assert job.view().state == "stopped" and 0 < len(job.view().images) < 9
    expect(page.locator("#html_log_txt2img")).to_contain_text(re.compile(r"Interrupted, \d finished pictures? kept"))


def test_a_second_interrupt_ends_the_job_at_once(desk):
    server, page = desk
    server.worker.pace = 0.3
    generate(page, "several", steps=100, batch_count=5)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.click("#txt2img_interrupt")
    page.click("#txt2img_interrupting")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    job = server.services.jobs.list()[-1]
    assert (job.view().state, len(job.view().images)) == ("stopped", 0)
