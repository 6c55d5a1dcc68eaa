"""What can be done with pictures that are there."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.desk import fill, generate, wait_for_picture

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


def test_a_picture_is_sent_to_the_other_tabs_with_its_parameters(desk):
    server, page = desk
    generate(page, "sent away", seed=77, steps=9, width=192, height=64)
    wait_for_picture(page, server)
    (path,) = (image.path for image in server.services.jobs.list()[-1].view().images)
    fill(page, "something newer", seed=1)
    page.click("#txt2img_send_to_img2img")
    expect(page.locator("#img2img_image img")).to_be_visible()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("sent away")
    values = [page.locator(f"#img2img_{name} input:not([type=range])") for name in ("steps", "seed", "width", "height")]
    for field, value in zip(values, ("9", "77", "192", "64"), strict=True):
        expect(field).to_have_value(value)
    page.click("#img2img_generate")
    expect(page.locator("#img2img_gallery img").first).to_be_visible()
    assert server.newest().init.image == Path(path).read_bytes(), "not a copy that was encoded anew"
    page.click("#img2img_send_to_inpaint")
    expect(page.locator("#img2maskimg canvas").first).to_be_visible()
    page.click("#img2img_send_to_extras")
    expect(page.locator("#extras_image img")).to_be_visible()


def test_upscale_adds_a_larger_picture_to_those_that_are_there(desk):
    server, page = desk
    generate(page, "grow", seed=50, batch_size=2)
    wait_for_picture(page, server)
    page.click("#txt2img_gallery .thumbnails .thumbnail-item >> nth=1")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 51")
    page.click("#txt2img_upscale")
    expect(page.locator("#txt2img_gallery .thumbnails .thumbnail-item")).to_have_count(3)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Hires upscale: 2")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 51")
    assert server.newest().hires and server.newest().seed == 51
    expect(page.locator("#txt2img_generate")).to_be_visible()
