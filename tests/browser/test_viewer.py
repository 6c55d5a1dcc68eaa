"""The picture over the whole window, and two pictures compared."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import fill, generate, wait_for_picture

pytestmark = pytest.mark.browser

SHIFT = "new DOMMatrix(getComputedStyle(document.querySelector('dialog.viewer img')).transform)"


def scale(page: Page) -> float:
    return page.evaluate(f"{SHIFT}.a")


def three(server, page: Page) -> None:
    # A prompt of its own, so that no test takes the job of the one before for its own.
    generate(page, f"three {len(server.services.jobs.list())}", seed=100, batch_size=3)
    wait_for_picture(page, server)
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(3)


def view(page: Page) -> None:
    """Gradio builds the gallery anew when pictures arrive; a click in that moment finds none, and is made again."""
    for _ in range(50):
        page.click("#txt2img_view")
        if page.locator("dialog.viewer").is_visible():
            break
        page.wait_for_timeout(100)
    expect(page.locator("dialog.viewer output")).to_have_text("1 / 3")


def test_a_click_on_the_picture_opens_it_and_keys_go_through_all(desk):
    server, page = desk
    three(server, page)
    viewer, told = page.locator("dialog.viewer"), page.locator("dialog.viewer output")
    page.click("#txt2img_gallery .media-button")
    expect(viewer).to_be_visible()
    expect(told).to_have_text("1 / 3")
    for key, place in (("ArrowRight", 2), ("d", 3), ("ArrowRight", 1), ("a", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        expect(told).to_have_text(f"{place} / 3")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 101")
    page.keyboard.press("s")
    expect(told).to_contain_text("2 / 3 Saved as")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    assert page.evaluate("document.activeElement.className").startswith("media-button"), "the focus is back"


def test_zooming_keeps_the_point_under_the_mouse_and_dragging_moves_it(desk):
    server, page = desk
    three(server, page)
    view(page)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -100)
    assert scale(page) == 1.25
    page.mouse.down()
    before = page.evaluate(f"{SHIFT}.e")
    page.mouse.move(340, 300)
    page.mouse.up()
    assert page.evaluate(f"{SHIFT}.e") == pytest.approx(before + 40)
    page.keyboard.press("z")
    assert scale(page) == 1
    page.get_by_role("button", name="Zoom in (+)").click()
    assert scale(page) == 1.25
    page.keyboard.press("0")
    page.mouse.move(700, 300)
    page.mouse.down()
    page.mouse.move(500, 305, steps=3)
    page.mouse.up()
    expect(page.locator("dialog.viewer output")).to_have_text("2 / 3")
    page.keyboard.press("Escape")


def test_zoom_swipes_and_turns_are_computed_rightly(desk):
    _, page = desk
    module = "import('/ui/viewer.js')"
    view = page.evaluate(f"{module}.then(m => m.zoomed({{scale: 1, x: 0, y: 0}}, 2, 100, -40))")
    assert view == {"scale": 2, "x": -100, "y": 40}, "the point (100, -40) stays where it is"
    assert page.evaluate(f"{module}.then(m => m.zoomed({{scale: 2, x: 9, y: 9}}, 0.1))") == {"scale": 1, "x": 0, "y": 0}
    swipes = page.evaluate(f"{module}.then(m => [[-80, 5], [80, 5], [-80, 70], [10, 0]].map(d => m.swiped(...d)))")
    assert swipes == [1, -1, 0, 0]
    assert page.evaluate(f"{module}.then(m => [m.turned(2, 1, 3), m.turned(0, -1, 3)])") == [0, 2]


def test_keys_in_the_viewer_do_not_stop_the_job_and_l_shows_what_is_being_drawn(desk):
    server, page = desk
    three(server, page)
    server.worker.pace = 0.3
    generate(page, "live", steps=150, batch_size=1)
    expect(page.locator("#txt2img_live_preview img")).to_be_visible()
    page.click("#txt2img_view")
    expect(page.locator("dialog.viewer output")).to_have_text("Live")
    page.keyboard.press("l")
    expect(page.locator("dialog.viewer [data-do=live]")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.viewer")).to_be_hidden()
    assert server.services.jobs.list()[-1].view().state == "running"
    page.click("#txt2img_interrupt")
    expect(page.locator("#txt2img_generate")).to_be_visible()


def test_arrow_keys_in_the_gallery_tell_of_the_picture(desk):
    server, page = desk
    three(server, page)
    page.click("#txt2img_gallery .thumbnails .thumbnail-item >> nth=0")
    expect(page.locator("#txt2img_gallery .preview")).to_be_visible()
    for seed in (101, 102):
        page.keyboard.press("ArrowRight")
        expect(page.locator("#html_info_txt2img")).to_contain_text(f"Seed: {seed}")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 101")


def test_pictures_of_two_jobs_are_compared_with_the_words_that_differ(desk):
    server, page = desk
    generate(page, "a red apple on a table", seed=5)
    wait_for_picture(page, server)
    page.click("#txt2img_compare")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Now choose the picture")
    fill(page, "a green apple on a table", cfg_scale=9)
    page.click("#txt2img_generate")
    wait_for_picture(page, server)
    page.click("#txt2img_compare")
    comparison = page.locator("#txt2img_comparison dialog")
    expect(comparison).to_be_visible()
    expect(comparison.locator("del")).to_have_text(["red", "7"])
    expect(comparison.locator("ins")).to_have_text(["green", "9"])
    expect(comparison.locator("img")).to_have_count(2)
    for image in comparison.locator("img").all():
        expect(image).to_have_js_property("naturalWidth", 128)
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    clip = comparison.locator("img.over").evaluate("image => image.style.clipPath")
    assert clip.startswith("inset(0px 40%"), "the slider is moved with the keys"
    page.keyboard.press("Escape")
    expect(comparison).to_be_hidden()


def test_compare_and_viewer_fit_a_phone(desk):
    server, page = desk
    three(server, page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("#txt2img_compare")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Now choose the picture")
    page.click("#txt2img_gallery .thumbnails .thumbnail-item >> nth=1")
    expect(page.locator("#txt2img_comparison dialog")).to_be_visible()
    assert page.evaluate("document.querySelector('#txt2img_comparison dialog').getBoundingClientRect().right") <= 390
    page.click("#txt2img_comparison dialog .close")
    page.click("#txt2img_view")
    buttons = page.locator("dialog.viewer .bar button:visible")
    assert buttons.evaluate_all("all => all.every(one => one.getBoundingClientRect().right <= 390)")
    page.get_by_role("button", name="Close (Esc)").click()
