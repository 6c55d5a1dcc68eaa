"""Controls beside the plain ones: sizes, the seed's extras, hires fix, quick settings; by clicking in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(lasting_visitor: Visitor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Page]]:
    for server in serve(tmp_path_factory.mktemp("controls")):
        yield server, lasting_visitor.open(server.url)


def field(page: Page, name: str):
    return page.locator(f"#txt2img_{name} input:not([type=range])")


def choose(page: Page, elem_id: str, option: str) -> None:
    page.click(f"#{elem_id} input")
    page.click(f"#{elem_id} [role=option] >> text='{option}'")


def paste(page: Page, name: str, text: str) -> None:
    field(page, name).evaluate(
        """(input, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", text);
            input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_a_size_that_is_pasted_fills_both_sides(desk):
    _, page = desk
    paste(page, "height", " 768 x 512 ")
    expect(field(page, "width")).to_have_value("768")
    expect(field(page, "height")).to_have_value("512")


@pytest.mark.parametrize(
    ("text", "size"), [("640X960", [640, 960]), ("640×64", [640, 64]), ("64", None), ("axb", None)]
)
def test_which_texts_are_sizes(desk, text, size):
    _, page = desk
    assert page.evaluate("text => import('/ui/sizes.js').then(m => m.sizeIn(text))", text) == size


def test_a_ratio_is_kept_while_one_side_changes_and_turns_with_the_sides(desk):
    _, page = desk
    paste(page, "width", "512x512")
    choose(page, "txt2img_aspect", "4:3")
    expect(field(page, "width")).to_have_value("592")
    expect(field(page, "height")).to_have_value("440")
    field(page, "width").fill("1024")
    expect(field(page, "height")).to_have_value("768")
    page.click("#txt2img_res_switch_btn")
    expect(field(page, "width")).to_have_value("768")
    field(page, "height").fill("512")
    expect(field(page, "width")).to_have_value("384")
    choose(page, "txt2img_aspect", "Free")
    field(page, "height").fill("640")
    page.fill("#txt2img_prompt textarea", "free")
    page.click("#txt2img_generate")
    server, _ = desk
    wait_until(lambda: getattr(server.newest(), "prompt", "") == "free")
    assert (server.newest().width, server.newest().height) == (384, 640)


def test_hires_fix_tells_the_size_it_leads_to(desk):
    _, page = desk
    paste(page, "width", "128x192")
    page.click("#txt2img_hr button >> nth=0")
    page.click("#txt2img_hr-checkbox input")
    expect(page.locator("#txtimg_hr_finalres")).to_have_text("from 128x192 to 256x384")
    page.fill("#txt2img_hr_resize_x input[type=number]", "512")
    expect(page.locator("#txtimg_hr_finalres")).to_have_text("from 128x192 to 512x768")
    page.click("#txt2img_hr-checkbox input")


def test_a_quick_setting_counts_at_once_and_is_kept(desk):
    server, page = desk
    page.fill("#setting_CLIP_stop_at_last_layers input[type=number]", "2")
    config = server.folder / "config.json"
    wait_until(lambda: config.exists() and json.loads(config.read_text()).get("CLIP_stop_at_last_layers") == 2)
    page.fill("#txt2img_prompt textarea", "skipped")
    page.click("#txt2img_generate")
    wait_until(lambda: getattr(server.newest(), "prompt", "") == "skipped")
    assert server.newest().clip_skip == 2


def test_what_was_not_generated_yet_survives_a_reload(desk):
    _, page = desk
    expect(page.locator("#html_info_txt2img")).to_contain_text("skipped")  # what was sent is kept as well, before this
    stored = "localStorage.getItem('sdui_txt2img_form')"
    before = page.evaluate(stored)
    page.fill("#txt2img_prompt textarea", "half a sent")
    page.fill("#txt2img_steps input[type=number]", "33")
    page.wait_for_function(f"before => {stored} !== before", arg=before)
    page.reload()
    page.wait_for_selector("html:not([inert]) #txt2img_prompt textarea")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("half a sent")
    expect(field(page, "steps")).to_have_value("33")
