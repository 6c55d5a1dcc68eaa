"""Recipes that are pasted or sent to the form."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from sdui.imaging.file_formats import read_infotext
from tests.browser.desk import fill, generate, number, wait_for_picture

pytestmark = pytest.mark.browser


def test_png_info_sends_everything_back_and_the_pixels_are_equal(server, visitor):
    page = visitor.open(server.url)
    page.fill("#txt2img_neg_prompt textarea", "blurry, (dark:1.2)")
    generate(page, "a house,\nicon style", seed=2**60 + 1, steps=7, cfg_scale=3.5, width=192, height=64)
    wait_for_picture(page, server)
    (before,) = server.pictures()
    page.reload()
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", before)
    expect(page.locator("#html_info_pnginfo")).to_contain_text("icon style")
    page.click("#txt2img_tab")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a house,\nicon style")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry, (dark:1.2)")
    shown = {name: number(page, name) for name in ("seed", "steps", "cfg_scale", "width", "height")}
    assert shown == {
        "seed": str(2**60 + 1),
        "steps": "7",
        "cfg_scale": "3.5",
        "width": "192",
        "height": "64",
    }
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery img[src*='00001-']").first).to_be_visible()
    first, second = server.pictures()
    assert np.array_equal(Image.open(first), Image.open(second))
    assert read_infotext(first.read_bytes()) == read_infotext(second.read_bytes())


def test_png_info_says_when_the_checkpoint_is_not_here(desk):
    _, page = desk
    fill(
        page, "a cat\nSteps: 12, Sampler: Unheard, CFG scale: 5, Seed: 3, Size: 64x64, Model hash: ffffffffff, Model: x"
    )
    page.click("#paste")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a cat")
    assert number(page, "steps") == "12"
    expect(page.locator("#html_log_txt2img")).to_contain_text("The checkpoint x [ffffffffff] is not here")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Sampling method: 'Unheard' is not available here")


def test_a_file_that_is_no_picture_is_said_to_be_none(desk, tmp_path):
    _, page = desk
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", broken)
    expect(page.locator("#html_info_pnginfo .error")).to_contain_text("picture")
