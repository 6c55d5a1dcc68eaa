"""The page as a whole: narrow screens, names of buttons, what a browser may ask for."""

from __future__ import annotations

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.desk import function_index, generate, wait_for_picture

pytestmark = pytest.mark.browser


def test_a_browser_cannot_name_a_file_of_the_server_as_its_upload(server, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "private.png"
    Image.new("RGB", (8, 8)).save(secret)
    read = function_index(server, "read_file")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file], "fn_index": read, "session_hash": "x"}
    assert "not uploaded by a user" in httpx.post(f"{server.url}gradio_api/run/predict", json=body).text


def test_nothing_sticks_out_on_a_phone_with_a_long_prompt(desk):
    server, page = desk
    page.set_viewport_size({"width": 390, "height": 844})
    generate(page, "a" * 300)
    wait_for_picture(page, server)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_tool_button_has_a_name_and_a_tooltip(desk):
    _, page = desk
    expect(page.locator("button.tool:not([title])")).to_have_count(0)
    names = page.locator("button.tool:visible").evaluate_all("buttons => buttons.map(b => b.textContent.trim())")
    assert len(names) == 20
    assert all(len(name) > 8 for name in names)


def test_an_update_of_sdui_reaches_browsers_that_were_here_before(desk):
    server, _ = desk
    first = httpx.get(f"{server.url}ui/page.js")
    assert first.headers["cache-control"] == "no-cache"
    again = httpx.get(f"{server.url}ui/page.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
