"""The History tab in Chromium: every saved picture is found again, and what can be done with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

CARDS = "#history_grid .history-card"
PROMPT = "#txt2img_prompt textarea"


def save(server: Server, name: str, prompt: str = "", seed: int = 1, moment: int = 0) -> Path:
    """A picture that was made before the server was started; a larger `moment` is newer."""
    path = server.folder / "outputs" / "txt2img-images" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = PngInfo()
    if prompt:
        chunks.add_text("parameters", f"{prompt}\nSteps: 7, Sampler: Euler a, Seed: {seed}, Size: 64x64, Model: demo")
    Image.new("RGB", (64, 96), (seed * 60 % 256, 120, 200)).save(path, pnginfo=chunks)
    os.utime(path, (1_700_000_000 + moment,) * 2)
    return path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("history"))


@pytest.fixture
def tab(shared: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    """Three pictures, the newest "a red apple", with the tab open and nothing searched for."""
    page = lasting_visitor.page
    page.set_viewport_size({"width": 1440, "height": 900})
    for path in (shared.folder / "outputs").rglob("*.*"):
        path.unlink()
    for number, prompt in enumerate(("a blue house", "a green pear <lora:fruit:1>", "a red apple"), 1):
        save(shared, f"{number}.png", prompt, seed=number, moment=number)
    shared.services.history.scan()
    if not page.url.startswith(shared.url):
        lasting_visitor.open(shared.url)
    page.keyboard.press("Escape")
    page.click("#tab_txt2img-button")
    page.click("#tab_history-button")
    page.fill("#history_search", "")
    expect(page.locator("#history_count")).to_have_text("3 pictures")
    expect(page.locator(CARDS)).to_have_count(3)
    return shared, page


def names(page: Page) -> list[str]:
    return page.eval_on_selector_all(CARDS, "cards => cards.map(card => card.dataset.name)")


def look_at(page: Page, index: int) -> None:
    page.locator(CARDS).nth(index).click()
    expect(page.locator(".history-viewer")).to_be_visible()
    expect(page.locator(".history-facts")).not_to_be_empty()


def test_nothing_is_asked_for_before_the_tab_is_open(server, visitor):
    save(server, "1.png", "a cat")
    page = visitor.open(server.url)
    assert not any("/page/history" in url for url in visitor.requests)
    page.click("#tab_history-button")
    expect(page.locator(CARDS)).to_have_count(1)
    expect(page.locator(f"{CARDS} img")).to_have_js_property("naturalWidth", 64)
    assert any("/thumbnail" in url for url in visitor.requests)
    page.click("#tab_txt2img-button")
    page.fill(PROMPT, "a new one")
    page.fill("#txt2img_steps input[type=number]", "1")
    page.click("#txt2img_generate")
    wait_until(lambda: bool(server.services.jobs.list()) and server.services.jobs.list()[-1].view().ended)
    page.click("#tab_history-button")
    expect(page.locator(CARDS).first).to_have_attribute("title", "a new one")
    assert visitor.complaints == [] and visitor.strangers() == []


def test_pictures_are_found_by_words_and_fields(tab):
    _, page = tab
    assert names(page) == ["3.png", "2.png", "1.png"]
    for text, found in (("gre", ["2.png"]), ("a seed:1", ["1.png"]), ("lora:fruit", ["2.png"]), ("nothing", [])):
        page.fill("#history_search", text)
        wait_until(lambda found=found: names(page) == found)
        expect(page.locator("#history_count")).to_have_text(re.compile(f"^{len(found)} pictures? found$"))
    expect(page.locator("#history")).to_have_class(re.compile("empty"))
    page.fill("#history_search", "date:2026-13")
    expect(page.locator("#history_said")).to_have_text(re.compile("date: 2026-13 is no date"))
    page.fill("#history_search", "")
    expect(page.locator(CARDS)).to_have_count(3)
    expect(page.locator("#history_said")).to_be_hidden()


def test_a_picture_is_shown_large_with_its_parameters_and_the_next_by_keys(tab):
    _, page = tab
    look_at(page, 0)
    viewer = page.locator(".history-viewer")
    expect(viewer.locator(".infotext .prompt")).to_have_text("a red apple")
    expect(viewer).to_contain_text("Seed: 3")
    expect(viewer.locator(".history-facts")).to_contain_text("64×96")
    expect(viewer.locator(".history-stage img")).to_have_attribute("src", re.compile("/picture$"))
    with page.expect_popup() as opened:
        viewer.get_by_text("Open full size").click()
    assert opened.value.url.endswith("/picture")
    opened.value.close()
    page.keyboard.press("ArrowRight")
    expect(viewer.locator(".infotext .prompt")).to_contain_text("a green pear")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator("h2")).to_have_text("1.png")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator("h2")).to_have_text("1.png")
    page.keyboard.press("ArrowLeft")
    expect(viewer.locator("h2")).to_have_text("2.png")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page.locator("#history_grid [data-index='1']")).to_be_focused()


def test_a_favourite_refuses_to_be_deleted(tab):
    server, page = tab
    look_at(page, 1)
    page.click(".history-viewer [data-do=star]")
    expect(page.locator(".history-viewer [data-do=star]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".history-viewer [data-do=delete]")).to_be_disabled()
    page.keyboard.press("Delete")
    expect(page.locator(".history-question")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(CARDS).nth(1)).to_have_class(re.compile("favourite"))
    expect(page.locator("#history_grid [data-index='1']")).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator("#history_said")).to_contain_text("2.png is a favourite")
    assert (server.folder / "outputs/txt2img-images/2.png").exists()
    page.fill("#history_search", "is:favourite")
    expect(page.locator("#history_count")).to_have_text("1 picture found")
    look_at(page, 0)
    page.click(".history-viewer [data-do=star]")
    expect(page.locator("#history_count")).to_have_text("0 pictures found")
    page.keyboard.press("Escape")


def test_a_picture_is_deleted_only_after_a_question(tab):
    server, page = tab
    look_at(page, 0)
    page.click(".history-viewer [data-do=delete]")
    expect(page.locator(".history-question")).to_contain_text("Move 3.png to the trash?")
    page.keyboard.press("Enter")
    expect(page.locator(".history-question")).to_have_count(0)
    assert (server.folder / "outputs/txt2img-images/3.png").exists()
    page.keyboard.press("Delete")
    page.click(".history-question .danger")
    expect(page.locator(".history-viewer h2")).to_have_text("2.png")
    assert not (server.folder / "outputs/txt2img-images/3.png").exists()
    page.keyboard.press("Escape")
    expect(page.locator("#history_count")).to_have_text("2 pictures")
    expect(page.locator("#history_grid [data-index='0']")).to_be_focused()
    page.keyboard.press("Delete")
    page.click(".history-question .danger")
    expect(page.locator("#history_count")).to_have_text("1 picture")
    expect(page.locator("#history_grid [data-index='0']")).to_be_focused()
    assert names(page) == ["1.png"]


def test_a_picture_that_is_gone_is_told(tab):
    server, page = tab
    (server.folder / "outputs/txt2img-images/3.png").unlink()
    page.locator(CARDS).first.click()
    gone = re.compile("3.png has been changed, moved or deleted|This picture is not in the history any more")
    expect(page.locator(".history-viewer .error")).to_contain_text(gone)
    page.click("[data-to=history_to_txt2img]")
    expect(page.locator("#html_log_history")).to_contain_text("search again")


def test_files_that_came_without_sdui_are_there_when_the_tab_is_opened_again(tab):
    server, page = tab
    page.click("#tab_txt2img-button")
    save(server, "4.png", "from elsewhere", moment=4)
    page.click("#tab_history-button")
    expect(page.locator("#history_count")).to_have_text("4 pictures")
    assert names(page)[0] == "4.png"


def test_pictures_are_sent_to_the_other_tabs(tab):
    _, page = tab
    look_at(page, 0)
    page.click("[data-to=history_to_txt2img]")
    expect(page.locator(PROMPT)).to_have_value("a red apple")
    expect(page.locator("#txt2img_seed input")).to_have_value("3")
    for target, image in (
        ("img2img", "#img2img_image"),
        ("inpaint", "#img2maskimg"),
        ("extras", "#extras_image"),
        ("pnginfo", "#pnginfo_image"),
    ):
        page.click("#tab_history-button")
        look_at(page, 0)
        page.click(f"[data-to=history_to_{target}]")
        expect(page.locator(f"{image} :is(img, canvas)").first).to_be_visible()
    expect(page.locator("#html_info_pnginfo")).to_contain_text("a red apple")


def test_a_picture_without_parameters_is_not_sent_to_txt2img(tab):
    server, page = tab
    save(server, "5.png", moment=5)
    server.services.history.scan()
    page.click("#tab_txt2img-button")
    page.click("#tab_history-button")
    expect(page.locator(CARDS)).to_have_count(4)
    look_at(page, 0)
    expect(page.locator("[data-to=history_to_txt2img]")).to_be_disabled()
    expect(page.locator("[data-to=history_to_img2img]")).to_be_enabled()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-to=history_to_txt2img]")).to_be_enabled()
    page.keyboard.press("Escape")


def test_text_of_files_is_no_html(tab):
    server, page = tab
    name = "<img src=x onerror=alert(1)>.png"
    save(server, name, "<b>bold</b> <img src=x onerror=alert(1)>", moment=6)
    server.services.history.scan()
    page.fill("#history_search", "bold")
    expect(page.locator(CARDS)).to_have_count(1)
    look_at(page, 0)
    expect(page.locator(".history-viewer .infotext .prompt")).to_contain_text("<b>bold</b>")
    expect(page.locator(".history-viewer h2")).to_have_text(name)
    page.keyboard.press("Escape")


def test_words_for_counts_and_sizes(tab):
    _, page = tab
    count = "([total, query, reading]) => import('/ui/history.js').then(m => m.counted(total, query, reading))"
    assert page.evaluate(count, [1, "", None]) == "1 picture"
    assert page.evaluate(count, [50_000, " ", None]) == "50,000 pictures"
    assert page.evaluate(count, [0, "cat", None]) == "0 pictures found"
    assert page.evaluate(count, [1200, "", [1200, 50_000]]) == "1,200 pictures, 1,200 of 50,000 new files read"
    assert page.evaluate(count, [1200, "", [0, 0]]) == "1,200 pictures, looking for new files"
    sizes = "sizes => import('/ui/history_viewer.js').then(m => sizes.map(m.fileSize))"
    assert page.evaluate(sizes, [0, 999, 1234, 123_456, 1_234_567]) == ["0 B", "999 B", "1.2 kB", "123 kB", "1.2 MB"]
