"""Servers and visitors, and one Chromium for each file of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sdui.install import find_browser
from tests.browser.desk import DEFAULTS, choose, fill
from tests.support.fake_worker import CATALOG
from tests.support.served_page import Server, Visitor, serve

PATIENCE = 60_000
"""Milliseconds: a page on a machine that is busy with something else."""
FEW_FRAMES = "globalThis.__PIXI_APP_INIT__ = (app) => setTimeout(() => { app.ticker.maxFPS = 5; });"
"""A canvas is drawn 60 times a second, and without a graphics card each time takes a core a tenth of a second."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    yield from serve(tmp_path)


# Not for the whole session: while it lives, this thread has a running loop and no other test could start one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def new_visitor(browser: Browser) -> Iterator[Callable[[], Visitor]]:
    with ExitStack() as visits:
        yield lambda: visits.enter_context(visiting(browser))


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture(scope="module")
def lasting_visitor(browser: Browser) -> Iterator[Visitor]:
    """One page for many tests, because opening it takes seconds; each leaves it with nothing running."""
    with visiting(browser) as visitor:
        yield visitor


@contextmanager
def visiting(browser: Browser, width: int = 1440, **how: Any) -> Iterator[Visitor]:
    """how: more about the browser, as Playwright names it."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **how)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(FEW_FRAMES)
    expect.set_options(timeout=PATIENCE)
    visitor = Visitor(context.new_page())
    visitor.page.on("request", lambda request: visitor.requests.append(request.url))
    visitor.page.on("request", lambda request: visitor.unanswered.add(request))
    visitor.page.on("requestfinished", lambda request: visitor.unanswered.discard(request))
    visitor.page.on("requestfailed", lambda request: visitor.unanswered.discard(request))
    visitor.page.on("console", lambda m: visitor.complaints.append(m.text) if m.type in ("error", "warning") else None)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    yield visitor
    context.close()


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("lasting"))


@pytest.fixture
def desk(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    """A page that is open already, at rest and as a new one, but for what was said last and the gallery."""
    server, page = lasting_server, lasting_visitor.page
    server.worker.pace, server.worker.given = 0, CATALOG
    for job in server.services.jobs.list():
        server.services.jobs.stop(job)
    page.set_viewport_size({"width": 1440, "height": 900})
    if not page.url.startswith(server.url):
        lasting_visitor.open(server.url)
    page.click("#tab_txt2img-button")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    if server.services.settings.current.sd_model_checkpoint not in ("", CATALOG.checkpoints[0].title):
        choose(page, "setting_sd_model_checkpoint", CATALOG.checkpoints[0].title)
    fill(page, "", **DEFAULTS)
    lasting_visitor.rest()
    return server, page
