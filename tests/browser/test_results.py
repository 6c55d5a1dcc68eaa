"""What can be done with pictures that are there."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.desk import generate, wait_for_picture

pytestmark = pytest.mark.browser


def test_reuse_seed_takes_the_selected_picture(desk):
    server, page = desk
    generate(page, "three", seed=100, batch_size=3)
    wait_for_picture(page, server)
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(3)
    page.click("#txt2img_gallery .thumbnails .thumbnail-item >> nth=2")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 102")
    page.click("#txt2img_reuse_seed")
    expect(page.locator("#txt2img_seed input")).to_have_value("102")
    page.click("#txt2img_random_seed")
    expect(page.locator("#txt2img_seed input")).to_have_value("-1")


def test_save_and_zip_offer_files(desk):
    server, page = desk
    generate(page, "keep me", batch_size=2)
    wait_for_picture(page, server)
    page.click("#save_txt2img")
    expect(page.locator("#download_files_txt2img")).to_contain_text(".png")
    page.click("#save_zip_txt2img")
    expect(page.locator("#download_files_txt2img")).to_contain_text(".zip")
    kept = [path.suffix for path in (server.folder / "log" / "images").iterdir() if not path.name.startswith(".")]
    assert sorted(kept) == [".csv", ".png", ".zip"]


def test_pictures_in_another_folder_are_shown_too(desk, tmp_path_factory):
    server, page = desk
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    was = server.services.settings.current.outdir_txt2img_samples
    server.services.settings.change(outdir_txt2img_samples=str(elsewhere))
    generate(page, "far away")
    wait_for_picture(page, server)
    assert len(list(elsewhere.rglob("*.png"))) == 1
    page.wait_for_function("document.querySelector('#txt2img_gallery img').naturalWidth == 128")
    assert httpx.get(f"{server.url}gradio_api/file={elsewhere}").status_code == 403
    server.services.settings.change(outdir_txt2img_samples=was)
