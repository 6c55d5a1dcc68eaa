"""Pictures from pictures."""

from __future__ import annotations

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_img2img_starts_from_the_very_file_that_is_dropped(desk, tmp_path):
    server, page = desk
    photo = tmp_path / "photo.png"
    Image.new("RGB", (200, 120), "teal").save(photo)
    page.click("#tab_img2img-button")
    page.set_input_files("#img2img_image input[type=file]", photo)
    expect(page.locator("#img2img_image img")).to_be_visible()
    page.click("#img2img_detect_image_size_btn")
    expect(page.locator("#img2img_height input[type=number]")).to_have_value("120")
    page.fill("#img2img_prompt textarea", "from a picture")
    page.fill("#img2img_denoising_strength input[type=number]", "0.4")
    page.press("#img2img_prompt textarea", "Control+Enter")
    expect(page.locator("#img2img_gallery img").first).to_be_visible()
    expect(page.locator("#html_info_img2img")).to_contain_text("Denoising strength: 0.4")
    asked = server.newest()
    assert asked.init.image == photo.read_bytes() and (asked.width, asked.height) == (200, 120)
    page.reload()
    page.click("#tab_img2img-button")
    expect(page.locator("#img2img_gallery img").first).to_be_visible()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("from a picture")
