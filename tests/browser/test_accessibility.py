"""What people with other eyes, hands and screens meet: every place of the page, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import visiting
from tests.browser.desk import fill, generate, wait_for_picture
from tests.browser.test_networks import write
from tests.support.served_page import Server, serve
from tests.support.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
FINDINGS = """async ([place, rules]) => {
  const { violations } = await axe.run(place, { runOnly: rules, resultTypes: ["violations"], preload: false });
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any, all, none }) =>
      `${id}: ${target.join(" ")}: ${help}. ${[...any, ...all, ...none][0]?.message ?? ""}`));
}"""
"""Of axe-core, each as rule, selector, help."""
SMALL = """() => [...document.querySelectorAll("button, a[href], input, select, summary, [role=button]")]
  .filter((one) => one.type !== "file" && !one.closest("[aria-hidden=true]"))
  .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((one) => [one, (one.matches("[type=checkbox], [type=radio]") && one.closest("label"))
    || (one.role === "combobox" && one.closest(".wrap")) || one])
  .map(([one, aim]) => [one, aim.getBoundingClientRect()])
  .filter(([, { width, height }]) => width && Math.min(width, height) < 32)
  .map(([one, { width, height }]) => `${one.closest("[id]").id}: ${one.ariaLabel ?? one.textContent.trim()} `
    + `${Math.round(width)}x${Math.round(height)}`)"""
"""What a finger could miss."""
FOCUS = """() => {
  const seen = [document.activeElement, document.activeElement.closest(".wrap")].filter(Boolean);
  return seen.some((one) => !["none", "hidden"].includes(getComputedStyle(one).outlineStyle));
}"""
TABS = ("txt2img", "img2img", "extras", "pnginfo", "modelmerger", "history", "settings")
CARDS = ("textual_inversion", "hypernetworks", "checkpoints", "lora")
LOOKS = [("light", 1440), ("dark", 390)]
"""Each colour scheme and each width once: a way through the whole page costs half a minute of CPU."""
UPLOADED = {"Method not implemented."}
"""Gradio's own warning at every upload."""


@dataclass
class Visit:
    """What was met on a way through the whole page."""

    findings: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    small: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    complaints: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("accessible")
    models = folder / "models"
    write(models / "Lora" / "many" / "rain.safetensors")
    write(models / "Lora" / "hat.safetensors", {"description": "For summer"}, ss_tag_frequency='{"1_hats": {"hat": 7}}')
    write(models / "embeddings" / "bad hands.safetensors")
    write(models / "Stable-diffusion" / "demo.safetensors")
    (models / "hypernetworks").mkdir()
    (models / "hypernetworks" / "dream.pt").touch()
    (folder / "styles.csv").write_text('name,prompt,negative_prompt\nfilm,"film still of {prompt}",drawing\n')
    yield from serve(folder, extensions=True)


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: f"{look[0]} {look[1]}")
def visit(request: pytest.FixtureRequest, browser, lasting_server: Server) -> Iterator[Visit]:
    scheme, width = request.param
    met = Visit()
    # What fades in has other colours for a while.
    with visiting(browser, width, color_scheme=scheme, reduced_motion="reduce") as visitor:
        page = visitor.open(lasting_server.url)
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
        for name, place in way(page, lasting_server):
            met.findings += [f"{name}: {finding}" for finding in page.evaluate(FINDINGS, [place, RULES])]
            if page.evaluate("document.scrollingElement.scrollWidth") > width:
                met.sideways.append(name)
            if width < 760:
                met.small += [f"{name}: {small}" for small in page.evaluate(SMALL)]
        met.strangers, met.complaints = visitor.strangers(), set(visitor.complaints)
    yield met


def way(page: Page, server: Server) -> Iterator[tuple[str, str]]:
    """Through the whole page: the name of each place, and where in the page it is."""
    generate(page, "a red apple", batch_size=3, steps=3)
    wait_for_picture(page, server)
    yield from txt2img(page, server)
    for tab, rows in (("img2img", "mode_img2img"), ("extras", "mode_extras")):
        page.click(f"#tab_{tab}-button")
        unfold(page, f"#{tab}_settings")
        yield tab, f"#tab_{tab}"
        for one in page.locator(f"#{rows} > .tab-wrapper > [role=tablist] > [role=tab]").all()[1:]:
            one.click()
            expect(page.locator(f"#{one.get_attribute('aria-controls')}")).to_be_visible()
            yield f"{tab}, {one.text_content()}", f"#{rows}"
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", server.pictures()[0])
    expect(page.locator("#html_info_pnginfo")).to_contain_text("Seed")
    yield "PNG Info", "#tab_pnginfo"
    page.click("#tab_modelmerger-button")
    expect(page.locator("#modelmerger_merge")).to_be_visible()
    yield "Checkpoint Merger", "#tab_modelmerger"
    yield from history(page)
    page.click("#tab_settings-button")
    expect(page.locator("#setting_jpeg_quality[title]")).to_be_attached()
    page.click("#settings_show_all_pages")
    yield "Settings", "body"
    for tool in page.locator("#settings_list [data-page^=settings_tab]").all():
        tool.click()
        yield f"Settings, {tool.text_content()}", "#settings_pages"


def txt2img(page: Page, server: Server) -> Iterator[tuple[str, str]]:
    unfold(page, "#txt2img_settings")
    yield "txt2img", "body"
    page.click("#txt2img_generate_menu")
    yield "menu", "#txt2img_toprow"
    page.keyboard.press("Escape")
    page.click("#txt2img_view")
    yield "viewer", "dialog.viewer"
    page.keyboard.press("Escape")
    page.click("#txt2img_compare")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Now choose the picture")
    page.click("#txt2img_gallery .thumbnails .thumbnail-item >> nth=1")
    expect(page.locator("#txt2img_comparison dialog")).to_be_visible()
    yield "comparison", "#txt2img_comparison"
    page.keyboard.press("Escape")
    page.click("#txt2img_styles_edit_button")
    expect(page.get_by_role("dialog", name="Edit styles")).to_be_visible()
    yield "styles", "#txt2img_styles_dialog"
    page.keyboard.press("Escape")
    yield from queue(page, server)
    for kind in CARDS:
        page.click(f"#txt2img_{kind}-button")
        expect(page.locator(f"#txt2img_{kind}_cards .card").first).to_be_visible()
        yield f"cards, {kind}", "#txt2img_settings"
    for button, dialog in (("metadata", "#network_metadata"), ("edit", "#txt2img_lora_edit_user_metadata")):
        page.locator(f"#txt2img_lora_cards .card-{button}").first.dispatch_event("click")
        expect(page.locator(dialog)).to_be_visible()
        yield dialog, dialog
        page.keyboard.press("Escape")


def queue(page: Page, server: Server) -> Iterator[tuple[str, str]]:
    """A job that failed, one that runs and one that waits."""
    generate(page, "fail", batch_size=1, steps=3)
    expect(page.locator("#html_log_txt2img .error")).to_be_visible()
    expect(page.locator("#txt2img_generate")).to_be_visible()
    server.worker.pace = 0.3
    generate(page, "long", steps=150)
    wait_until(lambda: getattr(server.newest(), "prompt", "") == "long")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    fill(page, "next")
    page.press("#txt2img_prompt textarea", "Control+Shift+Enter")
    wait_until(lambda: getattr(server.newest(), "prompt", "") == "next")
    page.click("#queue_panel summary")
    expect(page.locator("#queue_panel summary")).to_have_text("Queue: 1 running, 1 waiting")
    yield "queue", "body"
    page.click("#queue_panel summary")
    for job in server.services.jobs.list():
        server.services.jobs.stop(job)
    server.worker.pace = 0
    expect(page.locator("#txt2img_generate")).to_be_visible()


def history(page: Page) -> Iterator[tuple[str, str]]:
    page.click("#tab_history-button")
    expect(page.locator("#history_grid .history-card").first).to_be_visible()
    yield "History", "#tab_history"
    page.locator("#history_grid .history-card").first.click()
    expect(page.locator(".history-viewer .history-facts")).to_contain_text("128×128")
    yield "History, picture", ".history-viewer"
    page.click(".history-viewer [data-do=delete]")
    yield "History, question", ".history-question"
    page.keyboard.press("Escape")
    expect(page.locator(".history-question")).to_have_count(0)
    page.keyboard.press("Escape")


def unfold(page: Page, column: str) -> None:
    """Everything in a column of controls."""
    expect(page.locator(f"{column} .label-wrap").first).to_be_visible()
    for folded in reversed(page.locator(f"{column} .label-wrap:not(.open):visible").all()):
        folded.click()


def test_there_is_no_serious_finding_of_axe(visit: Visit):
    assert visit.findings == [], "\n".join(visit.findings)


def test_nothing_is_wider_than_the_window(visit: Visit):
    assert visit.sideways == []


def test_fingers_can_hit_everything(visit: Visit):
    assert visit.small == [], "\n".join(visit.small)


def test_nothing_is_asked_of_others_and_no_error_is_in_the_console(visit: Visit):
    assert visit.strangers == []
    assert visit.complaints <= UPLOADED
