"""Several jobs of several pages in one list."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import fill, generate, number, wait_for_picture
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser


def enqueue(page: Page, server, prompt: str, **numbers: object) -> None:
    count = len(server.services.jobs.list())
    fill(page, prompt, **numbers)
    page.press("#txt2img_prompt textarea", "Control+Shift+Enter")
    wait_until(lambda: len(server.services.jobs.list()) == count + 1)


def waiting(server) -> list[str]:
    return [job.task.prompt for job in server.services.jobs.waiting()]


def press(page: Page, action: str, prompt: str) -> None:
    page.locator("#queue_panel li", has_text=prompt).locator(f"[data-do={action}]").click()


@pytest.fixture
def busy(desk):
    """A page that follows a long job, with three more behind it."""
    server, page = desk
    server.worker.pace = 0.3
    generate(page, "long", steps=150)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    for name in ("first", "second", "third"):
        enqueue(page, server, name, steps=2)
    if not page.locator("#queue_panel details[open]").count():
        page.click("#queue_panel summary")
    expect(page.locator("#queue_panel summary")).to_have_text("Queue: 1 running, 3 waiting")
    return server, page


def test_enqueued_jobs_are_listed_and_the_page_follows_its_own(busy):
    server, page = busy
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    row = page.locator("#queue_panel li", has_text="second")
    expect(row).to_contain_text("txt2img, 128×128, 2 steps")
    expect(row).to_contain_text("1 more before it")
    running = page.locator("#queue_panel li.running")
    expect(running).to_contain_text("Sampling")
    expect(running.locator("img")).to_be_visible()
    assert waiting(server) == ["first", "second", "third"]


def test_jobs_are_moved_and_cancelled(busy):
    server, page = busy
    press(page, "first", "third")
    expect(page.locator("#queue_panel li.queued b")).to_have_text(["third", "first", "second"])
    press(page, "down", "third")
    expect(page.locator("#queue_panel li.queued b")).to_have_text(["first", "third", "second"])
    focused = page.evaluate("document.activeElement.dataset.do")
    assert focused == "down", "the button that was pressed can be pressed again"
    press(page, "cancel", "second")
    expect(page.locator("#queue_panel li.queued b")).to_have_text(["first", "third"])
    assert waiting(server) == ["first", "third"]
    press(page, "cancel", "long")
    expect(page.locator("#txt2img_generate")).to_be_visible()


def test_a_job_is_taken_out_edited_and_put_back_where_it_was(busy):
    server, page = busy
    fill(page, "in between", steps=33)
    press(page, "edit", "second")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("second")
    assert number(page, "steps") == "2"
    assert waiting(server) == ["first", "third"]
    enqueue(page, server, "second, better")
    assert waiting(server) == ["first", "second, better", "third"]
    enqueue(page, server, "last")
    assert waiting(server)[-1] == "last"


def test_the_page_can_follow_what_another_one_made(busy):
    server, page = busy
    server.worker.pace = 0.01
    expect(page.locator("#txt2img_generate")).to_be_visible()
    wait_until(lambda: all(job.view().ended for job in server.services.jobs.list()))
    press(page, "show", "second")
    job = next(job for job in reversed(server.services.jobs.list()) if job.task.prompt == "second")
    name = job.view().images[0].path.rpartition("/")[2]
    expect(page.locator(f"#txt2img_gallery img[src*='{name}']").first).to_be_visible()
    page.click("#queue_panel summary")
    expect(page.locator("#queue_panel")).to_be_hidden()


def test_another_page_sees_the_jobs_and_nothing_is_asked_for_when_there_are_none(server, visitor, new_visitor):
    server.worker.pace = 0.3
    first, other = visitor.open(server.url), new_visitor()
    generate(first, "shared", steps=100)
    expect(first.locator("#queue_panel")).to_be_visible()
    second = other.open(server.url)
    expect(second.locator("#queue_panel summary")).to_have_text("Queue: 1 running, 0 waiting")
    first.click("#txt2img_interrupt")
    expect(second.locator("#queue_panel")).to_be_hidden()
    second.wait_for_timeout(6000)
    other.requests.clear()
    second.wait_for_timeout(2500)
    assert [url for url in other.requests if "/page/queue" in url] == []
    assert visitor.complaints == other.complaints == []


def test_which_buttons_a_job_has(desk):
    _, page = desk
    job = "{{state: '{}', kind: 'txt2img', editable: {}}}"
    cases = [
        (job.format("queued", "true"), 0, 2, ["down", "edit", "cancel"]),
        (job.format("queued", "true"), 1, 2, ["first", "up", "edit", "cancel"]),
        (job.format("running", "false"), -1, 2, ["show", "cancel"]),
        (job.format("finished", "false"), -1, 2, ["show"]),
    ]
    for given, place, places, expected in cases:
        call = f"import('/ui/queue_panel.js').then(m => m.actionsFor({given}, {place}, {places}))"
        assert page.evaluate(call) == expected


def test_a_page_that_loses_the_connection_in_the_middle_of_a_job_finds_it_again(server, visitor):
    server.worker.pace = 0.1
    page = visitor.open(server.url)
    generate(page, "far away", steps=60)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.context.set_offline(True)
    page.wait_for_timeout(2500)
    stood = page.locator("#txt2img_progress").text_content()
    page.wait_for_timeout(500)
    assert page.locator("#txt2img_progress").text_content() == stood
    page.context.set_offline(False)
    expect(page.locator("#txt2img_progress")).not_to_have_text(stood)
    wait_for_picture(page, server)
