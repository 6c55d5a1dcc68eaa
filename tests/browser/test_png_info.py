"""PNG Info in Chromium: files are read, sent on, and drawn again."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from sdui.core.replay import Record
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.imaging.file_formats import encode
from sdui.imaging.fingerprints import of_pixels
from tests.imaging.test_novelai import TEXTS, png
from tests.support.fake_worker import pixels
from tests.support.served_page import Server, Visitor, serve

pytestmark = pytest.mark.browser

REQUEST = GenerationRequest(prompt="a house", seed=41, steps=6, width=128, height=192)
TEXT = "a house\nSteps: 6, Sampler: Euler, CFG scale: 7, Seed: 41, Size: 128x192"
CONDITIONS = {"torch": "2.0", "device": "fake", "dtype": "float32"}


def drawn(text: str = TEXT, format="png", **conditions: str) -> bytes:
    """A file as the fake worker's pictures are saved."""
    record = Record(**CONDITIONS | conditions, pixels=of_pixels(pixels(REQUEST, 41)))
    return encode(pixels(REQUEST, 41), format, text, Preferences(), record.model_dump_json(exclude_defaults=True))


def drop(page: Page, name: str, data: bytes, kind: str = "image/png") -> None:
    """As a person drops a file on the picture."""
    transfer = page.evaluate_handle(
        """([name, bytes, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, {type}));
            return transfer;
        }""",
        [name, list(data), kind],
    )
    page.dispatch_event("#pnginfo_image button:has(input[type=file])", "drop", {"dataTransfer": transfer})


def choose(page: Page, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    clear(page)
    page.set_input_files("#pnginfo_image input[type=file]", path)


def clear(page: Page) -> None:
    page.click("#tab_pnginfo-button")
    remove = page.locator("#pnginfo_image button[aria-label*='emove'], #pnginfo_image button[aria-label='Clear']")
    if remove.count():
        remove.first.click()
    expect(page.locator("#pnginfo_image input[type=file]")).to_be_attached()


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("pnginfo"))


@pytest.fixture
def tab(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    server, page = lasting_server, lasting_visitor.page
    server.worker.pace, server.worker.conditions = 0, dict(CONDITIONS)
    if not page.url.startswith(server.url):
        lasting_visitor.open(server.url)
    clear(page)
    return server, page


def number(page: Page, name: str) -> str:
    return page.locator(f"#{name} input:not([type=range])").input_value()


def test_a_dropped_picture_is_read_and_sent_to_img2img_with_its_parameters(tab):
    server, page = tab
    picture = drawn()
    drop(page, "mine.png", picture)
    expect(page.locator("#html_info_pnginfo")).to_contain_text("a house")
    page.click("#img2img_tab")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a house")
    expect(page.locator("#img2img_image img")).to_be_visible()
    assert (number(page, "img2img_width"), number(page, "img2img_height")) == ("128", "192")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_gallery img").first).to_be_visible()
    assert server.newest().init.image == picture and server.newest().init.inpaint is None


def test_a_picture_without_words_goes_to_inpaint_with_its_size_and_to_extras(tab, tmp_path):
    _, page = tab
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "photo.jpg")
    page.set_input_files("#pnginfo_image input[type=file]", tmp_path / "photo.jpg")
    expect(page.locator("#html_info_pnginfo")).to_contain_text("holds no parameters")
    expect(page.locator("#txt2img_tab")).to_be_disabled()
    expect(page.locator("#pnginfo_replay")).to_be_disabled()
    page.click("#inpaint_tab")
    expect(page.locator("#img2maskimg canvas").first).to_be_visible()
    assert (number(page, "img2img_width"), number(page, "img2img_height")) == ("320", "240")
    page.click("#tab_pnginfo-button")
    page.click("#extras_tab")
    expect(page.locator("#extras_image img")).to_be_visible()


def test_a_text_file_is_read_in_the_pictures_place(tab):
    _, page = tab
    drop(page, "mine.png", drawn())
    expect(page.locator("#html_info_pnginfo")).to_contain_text("128x192")
    clear(page)
    expect(page.locator("#html_info_pnginfo")).to_contain_text("A picture made here")
    drop(page, "words.TXT", b"from a file\nSteps: 9, Sampler: Euler, CFG scale: 7, Seed: 1", "text/plain")
    expect(page.locator("#html_info_pnginfo")).to_contain_text("from a file")
    expect(page.locator("#inpaint_tab")).to_be_disabled()
    expect(page.locator("#pnginfo_replay")).to_be_disabled()
    page.click("#txt2img_tab")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("from a file")
    assert number(page, "txt2img_steps") == "9"


def test_a_text_file_can_be_chosen_in_the_dialog(tab, tmp_path):
    _, page = tab
    choose(page, tmp_path / "words.txt", b"chosen\nSteps: 8, Sampler: Euler, CFG scale: 7, Seed: 1")
    expect(page.locator("#html_info_pnginfo")).to_contain_text("chosen")
    assert page.evaluate("import('/ui/text_files.js').then(m => m.textFile([{name: 'a.png'}]))") is None
    assert page.evaluate("import('/ui/text_files.js').then(m => m.textFile([{name: 'b.TXT'}]).name)") == "b.TXT"


def test_other_programs_and_other_texts_are_shown(tab, tmp_path):
    _, page = tab
    choose(page, tmp_path / "nai.png", png(TEXTS))
    info = page.locator("#html_info_pnginfo")
    expect(info).to_contain_text("These are the words of NovelAI")
    expect(info.locator("summary")).to_have_text("Other texts in this file (5)")
    expect(info.get_by_text("AI generated image")).to_be_hidden()
    info.locator("summary").click()
    expect(info.get_by_text("AI generated image")).to_be_visible()


def test_a_broken_file_is_said_to_be_broken(tab, tmp_path):
    _, page = tab
    choose(page, tmp_path / "broken.png", drawn()[:300])
    expect(page.locator("#html_info_pnginfo .error")).to_contain_text("This picture is damaged")
    expect(page.locator("#extras_tab")).to_be_disabled()


def test_a_picture_that_comes_out_the_same_is_equal_and_not_kept(tab, tmp_path):
    server, page = tab
    kept = server.pictures()
    choose(page, tmp_path / "mine.png", drawn())
    page.click("#pnginfo_replay")
    result = page.locator("#pnginfo_replay_result")
    expect(result.locator(".verdict")).to_have_text("Equal")
    expect(result).to_contain_text("0 of 24576 pixels differ; the largest difference is 0 of 255.")
    expect(result).to_contain_text("All recorded conditions are the same here.")
    for name in ("there", "here"):
        expect(page.locator(f"#pnginfo_replay_{name} img")).to_be_visible()
    assert server.pictures() == kept
    drawn_now = server.services.jobs.list()[-1].view().images[0].path
    assert np.array_equal(Image.open(drawn_now), Image.open(io.BytesIO(drawn())))


def test_every_recorded_condition_that_differs_is_shown(tab, tmp_path):
    _, page = tab
    choose(page, tmp_path / "old.png", drawn(TEXT.replace("Seed: 41", "Seed: 42"), torch="1.13", dtype="float16"))
    page.click("#pnginfo_replay")
    result = page.locator("#pnginfo_replay_result")
    expect(result.locator(".verdict")).to_have_text("Differs: torch 1.13 there, 2.0 here")
    expect(result.locator("tr")).to_have_text(
        ["ConditionWhen it was madeHere", "torch1.132.0", "dtypefloat16float32"],
    )
    choose(page, tmp_path / "next.png", drawn())
    expect(result).not_to_contain_text("Differs")


def test_replaying_waits_shows_progress_and_can_be_interrupted(tab, tmp_path):
    server, page = tab
    server.worker.pace = 0.3
    page.click("#tab_txt2img-button")
    page.fill("#txt2img_prompt textarea", "running")
    page.fill("#txt2img_steps input[type=number]", "100")
    page.click("#txt2img_generate")
    running = page.locator("#txt2img_interrupt")
    expect(running).to_be_visible()
    choose(page, tmp_path / "mine.png", drawn(TEXT.replace("Steps: 6", "Steps: 600")))
    page.click("#pnginfo_replay")
    expect(page.locator("#pnginfo_replay_progress")).to_contain_text("Waiting for the running job")
    page.click("#tab_txt2img-button")
    running.click()
    page.click("#tab_pnginfo-button")
    expect(page.locator("#pnginfo_replay_progress")).to_contain_text("Sampling")
    page.click("#pnginfo_replay_interrupt")
    expect(page.locator("#pnginfo_replay_result")).to_contain_text("Interrupted; nothing was compared.")
    expect(page.locator("#pnginfo_replay_progress .progress")).to_have_count(0)


def test_the_picture_that_it_was_made_from_is_asked_for(tab, tmp_path):
    _, page = tab
    choose(page, tmp_path / "second.png", drawn(f"{TEXT}, Denoising strength: 0.5"))
    page.click("#pnginfo_replay")
    result = page.locator("#pnginfo_replay_result")
    expect(result.locator(".error")).to_contain_text(
        "Picture that it was made from: the picture that it was started from"
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "first.png")
    page.set_input_files("#pnginfo_replay_init input[type=file]", tmp_path / "first.png")
    expect(page.locator("#pnginfo_replay_init img")).to_be_visible()
    page.click("#pnginfo_replay")
    expect(result.locator(".verdict")).to_have_text("Equal")


def test_a_graph_that_says_nothing_is_told_of(tab, tmp_path):
    _, page = tab
    choose(page, tmp_path / "comfy.png", png({"workflow": json.dumps({"nodes": [], "links": []})}))
    expect(page.locator("#html_info_pnginfo")).to_contain_text("ComfyUI's workflow for its editor only")
