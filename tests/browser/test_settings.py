"""The Settings tab, used by clicking in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

QUALITY, PATTERN = "#setting_jpeg_quality", "#setting_samples_filename_pattern"
SEARCH = "#settings_search :is(input, textarea)"


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("lasting"))


@pytest.fixture
def desk(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    """The Settings tab, open, with nothing unsaved."""
    server, page = lasting_server, lasting_visitor.page
    if not page.url.startswith(server.url):
        lasting_visitor.open(server.url)
        open_tab(page)
    return server, page


def open_tab(page: Page) -> None:
    page.click("#tab_settings-button")
    expect(page.locator(f"{QUALITY}[title]")).to_be_attached()


def set_quality(page: Page, value: int) -> None:
    page.click("#settings_saving_images_grids-button")
    page.fill(f"{QUALITY} input[type=number]", str(value))


def apply(page: Page) -> None:
    page.click("#settings_submit")
    expect(page.locator("#settings_submit")).to_have_attribute("data-unsaved", "")


def test_a_change_is_found_marked_applied_reset_and_there_after_a_reload(desk):
    server, page = desk
    page.fill(SEARCH, "jpeg QUALITY")
    expect(page.locator(".setting:visible")).to_have_count(1)
    page.fill(SEARCH, "samples_format")
    expect(page.locator("#setting_samples_format")).to_be_visible()
    expect(page.locator(QUALITY)).to_be_hidden()
    page.fill(SEARCH, "no such words")
    expect(page.locator(".setting:visible")).to_have_count(0)
    page.fill(SEARCH, "")
    page.fill(f"{QUALITY} input[type=number]", "101")
    page.click("#settings_submit")
    expect(page.locator("#settings_result .error")).to_contain_text("is too large, at most 100.")
    page.fill(f"{QUALITY} input[type=number]", "51")
    page.fill(f"{PATTERN} input", "[seed]-x")
    expect(page.locator("#settings_submit")).to_have_attribute("data-unsaved", "2")
    expect(page.locator(f"{QUALITY}[data-unsaved]")).to_have_attribute("title", "jpeg_quality, default: 80")
    expect(page.locator("#settings_saving_images_grids-button[data-unsaved]")).to_be_visible()
    page.click("#setting_samples_save input")
    box = page.locator("#setting_samples_save[data-unsaved] .label-text")
    assert box.evaluate("box => getComputedStyle(box, '::before').width") == "7px", "its mark can be seen"
    page.click("#setting_samples_save input")
    expect(page.locator("#settings_submit")).to_have_attribute("data-unsaved", "2")
    apply(page)
    expect(page.locator("#settings_result")).to_contain_text("2 settings changed and saved.")
    page.reload()
    open_tab(page)
    expect(page.locator(f"{QUALITY} input[type=number]")).to_have_value("51")
    page.click(f"{QUALITY} .reset-setting")
    expect(page.locator(f"{QUALITY} input[type=number]")).to_have_value("80")
    expect(page.locator(f"{QUALITY}[data-unsaved]")).to_be_visible()
    expect(page.locator(f"{QUALITY} .reset-setting")).to_have_count(0)
    assert server.services.settings.current.jpeg_quality == 51, "a reset row is applied like any change"
    apply(page)
    assert server.services.settings.current.jpeg_quality == 80
    assert server.services.settings.current.samples_filename_pattern == "[seed]-x"


def test_one_page_or_all_of_them(desk):
    _, page = desk
    page.click("#settings_live_previews-button")
    expect(page.locator("#setting_live_previews_enable")).to_be_visible()
    expect(page.locator(QUALITY)).to_be_hidden()
    page.click("#settings_show_all_pages")
    expect(page.locator(QUALITY)).to_be_visible()
    expect(page.locator("#setting_live_previews_enable")).to_be_visible()
    page.click("#settings_show_one_page")
    expect(page.locator(QUALITY)).to_be_hidden()


def test_going_back_to_an_older_version(desk):
    server, page = desk
    set_quality(page, 60)
    apply(page)
    set_quality(page, 61)
    apply(page)
    page.click("#settings_tab_history-button")
    newest = page.locator("#settings_history_list section").first
    expect(newest).to_contain_text("Quality for saved jpeg and avif images6061")
    page.click("#settings_history_list section:nth-child(2) button")
    expect(newest).to_contain_text("Quality for saved jpeg and avif images6180")
    assert server.services.settings.current.jpeg_quality == 80
    page.click("#settings_saving_images_grids-button")
    expect(page.locator(f"{QUALITY} input[type=number]")).to_have_value("80")


def test_a_profile_is_saved_compared_applied_renamed_and_deleted(desk):
    server, page = desk
    page.click("#tab_txt2img-button")
    page.fill("#txt2img_prompt textarea", "kept in a profile")
    page.fill("#txt2img_steps input[type=number]", "12")
    page.click("#tab_settings-button")
    page.click("#settings_tab_profiles-button")
    page.fill("#profile_name input", "Mine")
    page.click("#profile_save")
    entry = page.locator("#profile_list section")
    expect(entry).to_contain_text("No difference to now")
    set_quality(page, 70)
    apply(page)
    page.click("#tab_txt2img-button")
    page.fill("#txt2img_prompt textarea", "another")
    page.fill("#txt2img_steps input[type=number]", "13")
    page.click("#tab_settings-button")
    page.click("#settings_tab_profiles-button")
    expect(entry.locator("summary")).to_have_text("3 differences to now")
    entry.locator("summary").click()
    expect(entry).to_contain_text("txt2img, Sampling steps1312")
    entry.get_by_role("button", name="Apply").click()
    expect(entry).to_contain_text("No difference to now")
    assert server.services.settings.current.jpeg_quality == 80
    page.once("dialog", lambda dialog: dialog.accept("Yours"))
    entry.get_by_role("button", name="Rename").click()
    expect(entry.locator("b")).to_have_text("Yours")
    assert [path.name for path in (server.folder / "profiles").iterdir()] == ["Yours.json"]
    page.once("dialog", lambda dialog: dialog.dismiss())
    entry.get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    entry.get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
    page.click("#tab_txt2img-button")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("kept in a profile")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("12")
    page.click("#tab_settings-button")


def test_what_the_controls_hold_becomes_what_a_new_page_begins_with(desk, new_visitor):
    server, page = desk
    page.click("#tab_txt2img-button")
    page.fill("#txt2img_prompt textarea", "")
    page.fill("#txt2img_steps input[type=number]", "44")
    page.fill("#txt2img_width input[type=number]", "256")
    page.click("#tab_settings-button")
    page.click("#settings_tab_defaults-button")
    page.click("#ui_defaults_view")
    expect(page.locator("#ui_defaults_review")).to_contain_text("txt2img/Sampling steps2044")
    expect(page.locator("#ui_defaults_review table")).to_be_visible()
    page.click("#ui_defaults_apply")
    expect(page.locator("#ui_defaults_review")).to_contain_text("Wrote 2 controls")
    entries = json.loads((server.folder / "ui-config.json").read_text())
    assert entries == {"txt2img/Sampling steps/value": 44, "txt2img/Width/value": 256}
    other = new_visitor().open(server.url)  # this browser's own form is kept, so it tells nothing
    expect(other.locator("#txt2img_steps input[type=number]")).to_have_value("44")
    expect(other.locator("#txt2img_width input[type=number]")).to_have_value("256")
    page.click("#settings_restart_gradio")
    page.wait_for_selector("html:not([inert]) #txt2img_prompt textarea")
    open_tab(page)


def test_actions_and_pages_that_tell_of_the_server(desk):
    _, page = desk
    page.click("#settings_tab_actions-button")
    page.click("#sett_unload_sd_model")
    expect(page.locator("#actions_message")).to_contain_text("Done: UnloadRequest.")
    page.click("#sett_reload_sd_model")
    expect(page.locator("#actions_message")).to_contain_text("demo.safetensors [0123456789] is loaded.")
    page.click("#calculate_all_checkpoint_hash")
    expect(page.locator("#actions_message")).to_contain_text("Done: HashRequest.")
    with page.expect_download() as download:
        page.click("#download_localization")
    assert "Sampling steps" in json.loads(download.value.path().read_text())
    page.click("#settings_tab_sysinfo-button")
    expect(page.locator("#sysinfo_text")).to_contain_text('"Packages"')
    page.click("#settings_tab_licenses-button")
    expect(page.locator("#licenses")).to_contain_text("Apache-2.0")


def test_words_of_tooltips_and_searches(desk):
    _, page = desk
    told = page.evaluate(
        "import('/ui/settings.js').then(m => [m.inWords(true), m.inWords(''), m.inWords(['a', 'b']), m.inWords(0), "
        "m.matches('Live preview method', 'METHOD  live'), m.matches('Live preview', 'dead')])"
    )
    assert told == ["on", "empty", "a,b", "0", True, False]


def test_reload_ui_puts_everything_where_the_settings_say(server, visitor):
    page = visitor.open(server.url)
    places = {"ui_tab_order": ("PNG Info",), "hidden_tabs": ("Extras", "Settings"), "ui_reorder_list": ("seed",)}
    server.services.settings.change(quicksettings_list=("tiling",), **places)
    page.click("#tab_settings-button")
    page.click("#settings_restart_gradio")
    expect(page.locator("#quicksettings #setting_tiling")).to_be_visible()
    tabs = page.locator("#tabs > .tab-wrapper").first.get_by_role("tab")
    expect(tabs.first).to_have_text("PNG Info")
    assert "Extras" not in tabs.all_inner_texts()
    assert "Settings" in tabs.all_inner_texts(), "or nothing could be shown again"
    page.click("#tab_txt2img-button")
    seed, method = (page.locator(f"#txt2img_{name}").bounding_box() for name in ("seed", "sampling"))
    assert seed["y"] < method["y"]
    page.click("#setting_tiling input")
    wait_until(lambda: server.services.settings.current.tiling)
    page.fill("#txt2img_prompt textarea", "after")
    page.click("#txt2img_generate")
    wait_until(lambda: getattr(server.newest(), "prompt", "") == "after")
    assert server.newest().tiling
