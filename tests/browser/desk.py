"""What a person's hands do on the page again and again."""

from __future__ import annotations

from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.support.served_page import Server
from tests.support.servers import wait_until

DEFAULTS = {"steps": 20, "width": 128, "height": 128, "batch_count": 1, "batch_size": 1, "cfg_scale": 7, "seed": -1}


def fill(page: Page, prompt: str, **numbers: object) -> None:
    page.fill("#txt2img_prompt textarea", prompt)
    for name, value in numbers.items():
        page.fill(f"#txt2img_{name} input:not([type=range])", str(value))


def generate(page: Page, prompt: str, **numbers: object) -> None:
    fill(page, prompt, **numbers)
    page.click("#txt2img_generate")


def wait_for_picture(page: Page, server: Server) -> None:
    """The last one of the job for the prompt that stands on the page."""
    prompt = page.locator("#txt2img_prompt textarea")
    wait_until(lambda: prompt.input_value() == getattr(server.newest(), "prompt", None))
    wait_for_last_picture(page, server)


def wait_for_last_picture(page: Page, server: Server) -> None:
    """Of the job that was submitted last; a click on Generate before then may come to nothing."""
    job = server.services.jobs.list()[-1]
    wait_until(lambda: job.view().ended)
    name = Path(job.view().images[-1].path).name
    expect(page.locator(f"#txt2img_gallery img[src*='{name}']").first).to_be_visible()
    expect(page.locator("#txt2img_generate")).to_be_visible()


def number(page: Page, name: str) -> str:
    return page.locator(f"#txt2img_{name} input:not([type=range])").input_value()


def choose(page: Page, elem_id: str, text: str) -> None:
    page.click(f"#{elem_id} input")
    page.get_by_role("option", name=text).click()


def forget_jobs(server) -> None:
    """As a new server would: its queue is empty."""
    server.services.jobs.close()
    server.services.jobs._jobs.clear()


def function_index(server, name: str) -> int:
    functions = httpx.get(f"{server.url}config").json()["dependencies"]
    return next(function["id"] for function in functions if function["api_name"] == name)
