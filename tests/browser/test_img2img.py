"""The img2img tab as a person uses it: painting with the mouse, copying, resizing, a folder."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from sdui.core.catalog import Checkpoint
from sdui.core.request import BatchRequest
from tests.support.fake_worker import CATALOG
from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

EDITING = Checkpoint("edits", "edits.safetensors", "sd15", 128, 128, edits=True)
SIZE = (400, 240)
PATIENCE = 90_000
"""Milliseconds: a canvas that is drawn without a graphics card, on a busy machine."""


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    catalog = replace(CATALOG, checkpoints=(*CATALOG.checkpoints, EDITING))
    yield from serve(tmp_path_factory.mktemp("lasting"), catalog)


@pytest.fixture
def desk(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    """The img2img tab of a page that is open already, at rest; canvases have what was put into them before."""
    page = lasting_visitor.page
    if not page.url.startswith(lasting_server.url):
        lasting_visitor.open(lasting_server.url)
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.click("#tab_img2img-button")
    expect(page.locator("#img2img_generate")).to_be_enabled()
    lasting_visitor.rest()
    return lasting_server, page


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise: what became another pixel on the way would show."""
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    noise = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def open_tab(page: Page, name: str) -> None:
    page.click(f"#img2img_{name}_tab-button")


def put(page: Page, canvas: str, photo: Path) -> None:
    """A picture where there may be one already."""
    page.wait_for_selector(f"{canvas} :is(input[type=file], canvas)", state="attached")
    if page.locator(f"{canvas} canvas").count():
        page.click(f"{canvas} button[aria-label='Clear canvas']")
        expect(page.locator(f"{canvas} canvas")).to_have_count(0)
    page.set_input_files(f"{canvas} input[type=file]", photo)
    expect(page.locator(f"{canvas} .pixi-target canvas")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(f"{canvas} button[aria-label='Undo']")).to_be_enabled(timeout=PATIENCE)


def paint(page: Page, canvas: str, *points: tuple[float, float]) -> None:
    """A stroke through these places of the middle of the canvas, in pixels of the screen."""
    box = page.locator(f"{canvas} .pixi-target canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + points[0][0], y + points[0][1])
    page.mouse.down()
    for across, down in points:
        page.mouse.move(x + across, y + down, steps=3)
    page.mouse.up()


def generated(server: Server, page: Page, prompt: str):
    """What is asked for."""
    page.fill("#img2img_prompt textarea", prompt)
    page.click("#img2img_generate")
    wait_until(lambda: prompt == getattr(getattr(server.newest(), "request", server.newest()), "prompt", None), 60)
    wait_until(lambda: server.services.jobs.list()[-1].view().ended)
    expect(page.locator("#img2img_generate")).to_be_enabled()
    return server.newest()


def pixels(data: bytes):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_img2img_starts_from_the_very_file_that_is_dropped(desk, photo):
    server, page = desk
    page.set_input_files("#img2img_image input[type=file]", photo)
    expect(page.locator("#img2img_image img")).to_be_visible()
    page.click("#img2img_detect_image_size_btn")
    expect(page.locator("#img2img_height input[type=number]")).to_have_value(str(SIZE[1]))
    page.fill("#img2img_prompt textarea", "from a picture")
    page.fill("#img2img_denoising_strength input[type=number]", "0.4")
    page.press("#img2img_prompt textarea", "Control+Enter")
    expect(page.locator("#img2img_gallery img").first).to_be_visible()
    expect(page.locator("#html_info_img2img")).to_contain_text("Denoising strength: 0.4")
    asked = server.newest()
    assert asked.init.image == photo.read_bytes() and (asked.width, asked.height) == SIZE
    page.click("#img2img_enqueue")
    expect(page.locator("#html_log_img2img")).to_contain_text("Enqueued")
    assert server.newest().init.image == photo.read_bytes()


def test_a_mask_is_drawn_with_the_mouse_and_the_picture_stays_the_file(desk, photo):
    server, page = desk
    open_tab(page, "inpaint")
    put(page, "#img2maskimg", photo)
    expect(page.locator("#inpaint_controls")).to_be_visible()
    expect(page.locator("#img2img_mask_alpha")).to_have_count(0)
    paint(page, "#img2maskimg", (-60, 0), (-20, 0))
    paint(page, "#img2maskimg", (0, 100), (60, 100))
    page.keyboard.press("Control+z")
    init = generated(server, page, "a drawn mask").init
    assert init.image == photo.read_bytes()
    mask = pixels(init.inpaint.mask)
    assert mask.shape == (SIZE[1], SIZE[0]) and set(np.unique(mask)) == {0, 255}
    assert mask[120, 170] == 255 and not mask[160:].any(), "the second stroke was undone"
    page.click("#img2maskimg button[aria-label='Redo']")
    again = pixels(generated(server, page, "done again").init.inpaint.mask)
    assert again[180:, 200:].any() and (again >= mask).all()


def test_keys_and_wheel_size_the_brush(desk, photo):
    _, page = desk
    open_tab(page, "inpaint")
    put(page, "#img2maskimg", photo)
    page.evaluate(
        """() => {
            window.sizes = [];
            const note = ({ target }) => target.closest(".size_picker") && sizes.push(target.value);
            document.addEventListener("input", note, true);
        }"""
    )
    page.hover("#img2maskimg .pixi-target canvas")
    page.keyboard.press("]")
    wait_until(lambda: page.evaluate("sizes") == ["33"])
    page.keyboard.press("q")
    wait_until(lambda: page.evaluate("sizes") == ["33", "30"])
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    wait_until(lambda: page.evaluate("sizes") == ["33", "30", "33"])
    page.fill("#img2img_prompt textarea", "")
    page.type("#img2img_prompt textarea", "qw[]")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("qw[]")
    assert len(page.evaluate("sizes")) == 3


def test_what_keys_mean_and_how_far_a_step_goes(desk):
    _, page = desk
    script = """async () => {
      const keys = await import('/ui/canvas_keys.js');
      const event = (key, more = {}) => ({ key, ...more });
      const control = { ctrlKey: true };
      return [
        ["q", "W", "[", "]", "f", "r", "s", "x", "Enter"].map(key => keys.actionFor(event(key))),
        [event("z", control), event("Z", { ...control, shiftKey: true }), event("y", control), event("s", control)]
          .map(keys.actionFor),
        [keys.resized(30, true, 1, 100), keys.resized(2, false, 1, 100), keys.resized(1, false, 1, 100),
         keys.resized(99, true, 1, 100)],
      ];
    }"""
    assert page.evaluate(script) == [
        ["smaller", "larger", "smaller", "larger", "move", "fit", "fullscreen", None, None],
        ["undo", "redo", "redo", None],
        [33, 1, 1, 100],
    ]


def test_a_sketch_is_the_picture_with_coloured_strokes(desk, photo):
    server, page = desk
    open_tab(page, "img2img_sketch")
    put(page, "#img2img_sketch", photo)
    paint(page, "#img2img_sketch", (-60, 0), (-20, 0))
    init = generated(server, page, "a sketch").init
    drawn, before = pixels(init.image), pixels(photo.read_bytes())
    assert init.inpaint is None and tuple(drawn[120, 170]) == (0xE0, 0x31, 0x31)
    assert np.array_equal(drawn[:, 220:], before[:, 220:]) and np.array_equal(drawn[:80], before[:80])


def test_an_inpaint_sketch_is_a_mask_as_well_and_can_fade(desk, photo):
    server, page = desk
    open_tab(page, "inpaint_sketch")
    put(page, "#inpaint_sketch", photo)
    paint(page, "#inpaint_sketch", (-60, 0), (-20, 0))
    page.fill("#img2img_mask_alpha input[type=number]", "40")
    page.press("#img2img_mask_alpha input[type=number]", "Tab")
    init = generated(server, page, "both").init
    drawn, before, mask = pixels(init.image), pixels(photo.read_bytes()), pixels(init.inpaint.mask)
    assert set(np.unique(mask)) == {0, 153} and np.array_equal(drawn[:, 240:], before[:, 240:])
    faded = 0.6 * np.array((0xE0, 0x31, 0x31)) + 0.4 * before[120, 170]
    assert np.abs(drawn[120, 170] - faded).max() <= 2


def test_a_copy_goes_to_another_tab_which_opens(desk, photo):
    server, page = desk
    open_tab(page, "img2img")
    page.set_input_files("#img2img_image input[type=file]", photo)
    expect(page.locator("#img2img_image img")).to_be_visible()
    page.click("#img2img_copy_to_img2img button:text-is('inpaint')")
    expect(page.locator("#img2img_inpaint_tab-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#img2maskimg .pixi-target canvas")).to_be_visible()
    page.click("#img2img_copy_to_inpaint button:text-is('sketch')")
    expect(page.locator("#img2img_img2img_sketch_tab-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#img2img_sketch button[aria-label='Undo']")).to_be_enabled()
    paint(page, "#img2img_sketch", (-60, 0), (-20, 0))
    page.click("#img2img_copy_to_sketch button:text-is('img2img')")
    expect(page.locator("#img2img_img2img_tab-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#img2img_copy_to_img2img button:text-is('img2img')")).to_be_disabled()
    taken = pixels(generated(server, page, "from the sketch").init.image)
    assert tuple(taken[120, 170]) == (0xE0, 0x31, 0x31)
    assert np.array_equal(taken[:, 220:], pixels(photo.read_bytes())[:, 220:])


def test_nothing_painted_and_no_picture_are_said_and_the_button_is_free_again(desk, photo, tmp_path):
    _, page = desk
    open_tab(page, "inpaint")
    put(page, "#img2maskimg", photo)
    page.click("#img2img_generate")
    expect(page.locator("#html_log_img2img .error")).to_have_text("Mask: paint over what is to be drawn anew.")
    expect(page.locator("#img2img_generate")).to_be_enabled()
    expect(page.locator("#img2img_progress .progress")).to_have_count(0)
    page.click("#img2maskimg button[aria-label='Clear canvas']")
    page.click("#img2img_generate")
    expect(page.locator("#html_log_img2img .error")).to_have_text("Image: choose a picture first.")
    (tmp_path / "words.png").write_text("a shopping list")
    page.set_input_files("#img2maskimg input[type=file]", tmp_path / "words.png")
    expect(page.locator("#html_log_img2img .error")).to_contain_text("Image: this is no PNG")
    put(page, "#img2maskimg", photo)
    expect(page.locator("#html_log_img2img .error")).to_have_count(0)


def test_resize_by_says_what_becomes_of_the_picture(desk, photo):
    server, page = desk
    open_tab(page, "img2img")
    page.click("#img2img_tab_resize_by-button")
    words = page.locator("#img2img_scale_resolution_preview")
    expect(words).to_have_text("resize: from 400x240 to 400x240")
    page.fill("#img2img_scale input[type=number]", "1.37")
    expect(words).to_have_text("resize: from 400x240 to 544x328")
    asked = generated(server, page, "larger")
    assert (asked.width, asked.height) == (544, 328)
    page.click("#img2img_tab_resize_to-button")
    asked = generated(server, page, "as the sliders say")
    assert (asked.width, asked.height) == SIZE
    words_of = (
        "import('/ui/resize_by.js').then(m => [m.words(null, 2), m.words([64, 100], 2), m.sides([3, 100], 0.05)])"
    )
    assert page.evaluate(words_of) == [
        "no image selected",
        "resize: from <b>64x100</b> to <b>128x200</b>",
        [8, 8],
    ]


def test_a_batch_takes_a_folder_and_a_reload_finds_it(desk, photo):
    server, page = desk
    open_tab(page, "batch")
    expect(page.locator("#inpaint_controls")).to_have_count(0)
    page.click("#img2img_batch_from_dir_tab-button")
    expect(page.locator("#img2img_batch_input_dir input")).to_be_visible()
    # Gradio gives a field that has just come its first value a moment later.
    page.wait_for_timeout(500)
    page.fill("#img2img_batch_input_dir input", str(photo.parent))
    page.fill("#img2img_batch_output_dir input", "made")
    page.fill("#img2img_batch_inpaint_mask_dir input", "masks")
    expect(page.locator("#inpaint_controls")).to_be_visible()
    page.click("#img2img_batch_tab button:has-text('PNG info')")
    page.check("#img2img_batch_png_info_props label:has-text('Seed') >> input")
    asked = generated(server, page, "a whole folder")
    assert isinstance(asked, BatchRequest)
    assert asked.source.folders == (str(photo.parent), "made", "masks") and asked.source.png_info_props == ("Seed",)
    expect(page.locator("#img2img_gallery img").first).to_be_visible()
    page.reload()
    page.wait_for_selector("html:not([inert]) #txt2img_prompt textarea")
    page.click("#tab_img2img-button")
    expect(page.locator("#img2img_batch_inpaint_mask_dir input")).to_have_value("masks")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a whole folder")
    page.click("#img2img_batch_upload_tab-button")
    page.set_input_files("#img2img_batch_upload input[type=file]", photo)
    expect(page.locator("#img2img_batch_upload")).to_contain_text("photo")
    asked = generated(server, page, "handed over")
    assert asked.source.folders == ()
    handed = [task.source.pictures for task in server.worker.tasks if isinstance(task, BatchRequest)][-1]
    assert [(file.name, file.data) for file in handed] == [("photo.png", photo.read_bytes())]


def test_the_image_cfg_scale_comes_with_a_checkpoint_that_edits(desk):
    _, page = desk
    scale = page.locator("#img2img_image_cfg_scale")
    expect(scale).to_have_count(0)
    for title, shown in ((EDITING.title, 1), (CATALOG.checkpoints[0].title, 0)):
        page.click("#setting_sd_model_checkpoint input")
        page.get_by_role("option", name=title).click()
        expect(scale).to_have_count(shown)


def test_no_inner_tab_sticks_out_on_a_phone(desk, photo):
    _, page = desk
    open_tab(page, "img2img")
    if not page.locator("#img2img_image img").count():
        page.set_input_files("#img2img_image input[type=file]", photo)
    expect(page.locator("#img2img_image img")).to_be_visible()
    page.click("#img2img_copy_to_img2img button:text-is('inpaint sketch')")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#inpaint_sketch .pixi-target canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_went_wrong_in_the_browser(lasting_visitor):
    """The editor's library warns of its own old calls and of slow drawing."""
    known = ("WebGL", "Pixi", "Deprecated", "    at ", "Method not implemented", "console.groupEnd")
    assert [text for text in lasting_visitor.complaints if not any(word in text for word in known)] == []
    assert lasting_visitor.strangers() == []
