"""The page behind a password, and below a path of its own."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from sdui.core.launch import Launch
from tests.browser.conftest import visiting
from tests.browser.desk import choose, generate, wait_for_picture
from tests.support.served_page import serve

pytestmark = pytest.mark.browser


@contextmanager
def looking_at(browser, folder, *, flags, **how):
    """A server started so and somebody who looks at it, with the answers that said no."""
    failed = []
    for server in serve(folder, launch=Launch(data_dir=folder, **flags)):
        with visiting(browser, **how) as visitor:
            visitor.page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
            visitor.page.on("requestfailed", lambda request: failed.append(request.url))
            yield server, visitor, failed


def test_the_page_works_with_the_account_that_the_browser_was_given(browser, tmp_path):
    account = {"username": "ann", "password": "of:page"}
    # Chromium is on this machine, so that it may use an address of it.
    with looking_at(
        browser, tmp_path, flags={"listen": True, "gradio_auth": "ann:of:page"}, http_credentials=account
    ) as (server, visitor, failed):
        page = visitor.open(server.url)
        generate(page, "a red apple")
        wait_for_picture(page, server)
        assert set(failed) <= {server.url} and visitor.strangers() == []


def test_nothing_is_shown_without_an_account(browser, tmp_path):
    with looking_at(browser, tmp_path, flags={"gradio_auth": "ann:of:page"}) as (server, visitor, _):
        answer = visitor.page.request.get(server.url)
        assert answer.status == 401 and answer.json() == {"detail": "Not authenticated"}


def test_everything_is_below_the_subpath(browser, tmp_path):
    with looking_at(browser, tmp_path, flags={"subpath": "/tools/sdui"}) as (server, visitor, failed):
        page = visitor.open(server.url.rstrip("/"))
        assert page.url == server.url and urlsplit(page.url).path == "/tools/sdui/"
        generate(page, "a red apple")
        wait_for_picture(page, server)
        page.click("#tab_history-button")
        expect(page.locator("#tab_history img").first).to_be_visible()
        page.wait_for_function("[...document.querySelectorAll('#tab_history img')].some(image => image.naturalWidth)")
        page.click("#tab_txt2img-button")
        choose(page, "txt2img_aspect", "3:2")
        expect(page.locator("#txt2img_width input:not([type=range])")).not_to_have_value("128")
        sent = [urlsplit(url).path for url in visitor.requests if url.startswith("http")]
        assert any(path.startswith("/tools/sdui/page/history/") for path in sent)
        assert [path for path in sent if not path.startswith("/tools/sdui")] == []
        assert (failed, visitor.strangers(), visitor.complaints) == ([], [], [])
