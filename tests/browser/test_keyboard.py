"""The whole way from a prompt to a picture, and through other tabs, without a mouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import number
from tests.browser.test_networks import write
from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

FOCUS = """place => {
  const focused = document.activeElement;
  const around = [focused, focused.closest(".wrap")].filter(Boolean).map(getComputedStyle);
  return {
    there: Boolean(focused.closest(place)),
    seen: focused === document.body || around.some((style) => style.outlineStyle === "solid"),
    name: `${focused.tagName} in ${focused.closest("[id]")?.id}`,
  };
}"""
"""Whether the focus is in a place and can be seen."""


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("keyboard")
    write(folder / "models" / "Lora" / "hat.safetensors")
    yield from serve(folder, extensions=True)


@pytest.fixture(scope="module")
def page(lasting_server: Server, lasting_visitor: Visitor) -> Page:
    return lasting_visitor.open(lasting_server.url)


def reach(page: Page, place: str, key: str = "Tab") -> None:
    """Press the key until the focus is there; it is seen on every stop."""
    for _ in range(120):
        page.keyboard.press(key)
        focus = page.evaluate(FOCUS, place)
        assert focus["seen"], focus["name"]
        if focus["there"]:
            return
    pytest.fail(f"{place} is not reached with {key}")


def test_a_picture_is_made_looked_at_and_its_parameters_changed(page, lasting_server):
    reach(page, "#txt2img_prompt")
    page.keyboard.type("a green hill")
    reach(page, "#txt2img_steps input[type=range]")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert number(page, "steps") == "2"
    reach(page, "#txt2img_script_list")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="X/Y/Z plot")).to_be_visible()
    page.keyboard.press("Escape")
    reach(page, "#txt2img_generate", "Shift+Tab")
    page.keyboard.press("Enter")
    wait_until(lambda: getattr(lasting_server.newest(), "prompt", "") == "a green hill")
    assert lasting_server.newest().steps == 2
    expect(page.locator("#txt2img_gallery .media-button img")).to_be_visible()
    expect(page.locator("#txt2img_generate")).to_be_visible()
    reach(page, "#txt2img_view")
    page.keyboard.press("Enter")
    expect(page.locator("dialog.viewer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.viewer")).to_be_hidden()
    expect(page.locator("#txt2img_view")).to_be_focused()


def test_arrows_go_along_the_tabs_and_a_card_is_picked(page):
    page.focus("#txt2img_generation-button")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#txt2img_lora-button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_lora_cards .card")).to_be_visible()
    reach(page, "#txt2img_lora_cards .virtual-grid-cell")
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a green hill <lora:hat:1>")


def test_every_tab_is_opened_and_settings_are_searched(page):
    page.focus("#tab_txt2img-button")
    for tab in ("img2img", "extras", "pnginfo", "modelmerger", "history", "settings"):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator(f"#tab_{tab}")).to_be_visible()
        expect(page.locator(f"#tab_{tab}-button")).to_be_focused()
    reach(page, "#settings_search")
    page.keyboard.type("jpeg quality")
    expect(page.locator(".setting:visible")).to_have_count(1)
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    reach(page, "#settings_live_previews-button")
    page.keyboard.press("Enter")
    expect(page.locator("#setting_live_previews_enable")).to_be_visible()
    reach(page, "#tab_settings-button", "Shift+Tab")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_generate")).to_be_visible()


@pytest.mark.parametrize(
    ("key", "at", "expected"),
    [
        ("ArrowRight", 0, 1),
        ("ArrowRight", 2, 0),
        ("ArrowLeft", 0, 2),
        ("Home", 2, 0),
        ("End", 0, 2),
        ("Enter", 1, None),
    ],
)
def test_where_a_key_goes_among_three_tabs(page, key, at, expected):
    call = "args => import('/ui/accessible.js').then(m => m.tabAfter(...args))"
    assert page.evaluate(call, [key, at, 3]) == expected


def test_a_hint_is_read_with_its_control(page):
    hint = page.locator("#txt2img_steps input[type=range]").get_attribute("aria-describedby")
    expect(page.locator(f"#{hint}")).to_contain_text("How many times")
