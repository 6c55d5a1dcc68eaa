"""The whole program, started as a user starts it, drawing on the bundled checkpoint."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support.checkpoints import BUNDLED, write_tiny_checkpoint
from tests.support.disks import fill, mounted
from tests.support.servers import serving, wait_until

pytestmark = pytest.mark.browser

GOLDENS = Path(__file__).parents[1] / "golden" / "pictures"

PATIENCE = 60_000
"""Milliseconds: a real picture on a busy machine."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def server(folder):
    """On a models folder with the bundled checkpoint and a damaged copy of it."""
    checkpoints = folder / "models" / "Stable-diffusion"
    checkpoints.mkdir(parents=True)
    whole = BUNDLED / "sdui-demo.safetensors"
    shutil.copy(whole, checkpoints)
    write_tiny_checkpoint(checkpoints)
    (checkpoints / "truncated.safetensors").write_bytes(whole.read_bytes()[:1_000_000])
    with serving(folder) as (url, log):
        yield url, log


@pytest.fixture
def page(server, lasting_visitor):
    """The open page of the server, on txt2img."""
    page = lasting_visitor.page
    if page.url == "about:blank":
        opened(lasting_visitor, server[0])
    page.click("#tab_txt2img-button")
    wait_until_done(page)
    return page


def opened(visitor, url):
    visitor.page.set_default_timeout(PATIENCE)
    return visitor.open(url)


def generate(page, prompt, **numbers):
    page.fill("#txt2img_prompt textarea", prompt)
    for name, value in numbers.items():
        page.fill(f"#txt2img_{name} input:not([type=range])", str(value))
    page.click("#txt2img_generate")


def wait_until_done(page):
    page.wait_for_selector("#txt2img_generate", state="visible")


def message(page):
    return page.locator("#html_log_txt2img")


def pictures(folder):
    return sorted((folder / "outputs" / "txt2img-images").rglob("*.png"))


def content(path):
    """Pixels [H,W,3] and the text of a PNG file."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")), image.text


def test_the_first_click_gives_a_picture_that_its_file_gives_back(folder, page, lasting_visitor):
    generate(page, "a red apple, 3d style")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed:", timeout=PATIENCE)
    wait_until_done(page)
    (first,) = pictures(folder)
    pixels, text = content(first)
    assert pixels.shape == (128, 128, 3), "the checkpoint's own size"
    red, green, blue = pixels[40:90, 40:90].reshape(-1, 3).mean(0)
    assert red > green + 50 and red > blue + 50

    page.fill("#txt2img_prompt textarea", "something else")
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", first)
    expect(page.locator("#html_info_pnginfo")).to_contain_text("a red apple")
    page.click("#txt2img_tab")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a red apple, 3d style")
    page.click("#txt2img_generate")
    wait_until(lambda: len(pictures(folder)) == 2, 60)
    again, same_text = content(pictures(folder)[1])
    assert np.array_equal(pixels, again) and text == same_text
    assert lasting_visitor.strangers() == []


def test_a_picture_of_a1111_with_hires_fix_is_dropped_and_comes_back(server, folder, visitor):
    theirs = GOLDENS / "hires.up_lanczos.0.png"
    page = opened(visitor, server[0])
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", theirs)
    expect(page.locator("#html_info_pnginfo")).to_contain_text("Lanczos")
    page.click("#txt2img_tab")
    expect(page.locator("#txt2img_hr_upscaler input")).to_have_value("Lanczos")
    before = len(pictures(folder))
    page.click("#txt2img_generate")
    wait_until(lambda: len(pictures(folder)) == before + 1, 60)
    wait_until_done(page)
    (pixels, expected) = (content(path)[0].astype(int) for path in (pictures(folder)[-1], theirs))
    assert pixels.shape == expected.shape == (96, 128, 3)
    assert np.abs(pixels - expected).max() <= 1


def test_what_is_not_painted_over_stays_as_it_was(folder, page, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    page.click("#tab_img2img-button")
    page.click("#img2img_inpaint_tab-button")
    page.set_input_files("#img2maskimg input[type=file]", tmp_path / "noise.png")
    expect(page.locator("#img2maskimg button[aria-label='Undo']")).to_be_enabled()
    canvas = page.locator("#img2maskimg .pixi-target canvas").bounding_box()
    page.mouse.move(canvas["x"] + canvas["width"] / 2 - 60, canvas["y"] + canvas["height"] / 2)
    page.mouse.down()
    page.mouse.move(canvas["x"] + canvas["width"] / 2 - 40, canvas["y"] + canvas["height"] / 2, steps=3)
    page.mouse.up()
    page.fill("#img2img_mask_blur input[type=number]", "0")
    page.fill("#img2img_steps input[type=number]", "4")
    page.fill("#img2img_prompt textarea", "a red apple, 3d style")
    page.click("#img2img_generate")
    made = folder / "outputs" / "img2img-images"
    wait_until(lambda: list(made.rglob("*.png")), 60)
    (path,) = made.rglob("*.png")
    pixels, text = content(path)
    assert np.array_equal(pixels[:, 90:], noise[:, 90:]) and np.array_equal(pixels[:20], noise[:20])
    assert not np.array_equal(pixels[60:68, 40:60], noise[60:68, 40:60]) and "Mask blur: 0" in text["parameters"]


def test_extras_makes_a_dropped_picture_larger_and_a_reload_finds_it(folder, page):
    page.click("#tab_extras-button")
    page.set_input_files("#extras_image input[type=file]", GOLDENS / "hires.up_lanczos.0.png")
    page.click("#extras_upscaler_1 input")
    page.get_by_role("option", name="Lanczos", exact=True).click()
    page.fill("#extras_upscaling_resize input:not([type=range])", "2")
    expect(page.locator("#extras_image img")).to_be_visible()
    page.click("#extras_generate")
    expect(page.locator("#html_info_extras")).to_contain_text("Postprocess upscale by: 2", timeout=PATIENCE)
    expect(page.locator("#extras_gallery img").first).to_be_visible()
    (made,) = (folder / "outputs" / "extras-images").glob("*.png")
    pixels, text = content(made)
    assert pixels.shape == (192, 256, 3) and "Hires upscaler: Lanczos" in text["parameters"]
    page.reload()
    page.click("#tab_extras-button")
    expect(page.locator("#extras_gallery img").first).to_be_visible()


def test_what_is_odd_is_said_in_words_and_the_server_goes_on(server, folder, page):
    _, log = server
    for prompt, numbers, says in (
        ("a cat", {"width": 100000}, "Width: 100000 is too large, at most 16384."),
        ("a cat", {"width": 16384, "height": 16384}, "16384x16384 needs about"),
        ("", {}, "Prompt: it is empty"),
        ("red cat, " * 5556, {}, "chunks of 75 tokens"),
    ):
        generate(page, prompt, **{"width": 128, "height": 128, "steps": 2} | numbers)
        expect(message(page)).to_contain_text(says, timeout=PATIENCE)
        wait_until_done(page)
        assert says in log()
    before = len(pictures(folder))
    generate(page, "a cat", width=128, height=128, steps=2)
    wait_until(lambda: len(pictures(folder)) > before, 60)
    wait_until_done(page)


def test_a_truncated_checkpoint_is_named_and_the_loaded_one_goes_on(server, folder, page):
    _, log = server
    page.click("#setting_sd_model_checkpoint input")
    page.get_by_role("option", name="truncated.safetensors").click()
    expect(page.locator("#banner")).to_contain_text(re.compile("truncated.safetensors is incomplete"))
    generate(page, "a cat", steps=2)
    expect(message(page)).to_contain_text("truncated.safetensors is incomplete", timeout=PATIENCE)
    assert "truncated.safetensors is incomplete" in log()
    before = len(pictures(folder))
    page.click("#setting_sd_model_checkpoint input")
    page.get_by_role("option", name="sdui-demo").click()
    generate(page, "a cat", steps=2)
    wait_until(lambda: len(pictures(folder)) > before, 60)


def test_a_cell_of_a_plot_tells_of_itself_and_a_reload_finds_the_plot(page):
    page.click("#txt2img_script_list input")
    page.get_by_role("option", name="X/Y/Z plot").click()
    page.fill("#script_txt2img_xyz_plot_x_values textarea, #script_txt2img_xyz_plot_x_values input", "41,42")
    page.click("#script_txt2img_xyz_plot_y_type input")
    page.get_by_role("option", name="Sampler", exact=True).click()
    page.click("#script_txt2img_xyz_plot_y_values_dropdown input")
    page.get_by_role("option", name="Euler", exact=True).click()
    generate(page, "a red apple", steps=2)
    info = page.locator("#html_info_txt2img")
    expect(info).to_contain_text("Click a cell", timeout=PATIENCE)
    wait_until_done(page)
    box = page.locator("#txt2img_gallery .media-button img").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6)
    expect(info).to_contain_text("Seed: 42")
    expect(info).to_contain_text("Sampler: Euler ")
    page.reload()
    expect(page.locator("#txt2img_script_list input")).to_have_value("X/Y/Z plot")
    expect(page.locator("#script_txt2img_xyz_plot_y_values_dropdown")).to_contain_text("Euler")


def test_an_output_folder_that_takes_nothing_loses_no_picture(tmp_path, visitor):
    disk = tmp_path / "disk"
    with mounted(disk) as is_real:
        if is_real:
            fill(disk)
        else:
            disk.rmdir()
            disk.write_text("a file in the place of the folder")
        settings = {"outdir_txt2img_samples": str(disk / "samples")}
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "config.json").write_text(json.dumps(settings))
        with serving(tmp_path / "data", "--models-dir", BUNDLED.parent) as (url, log):
            page = opened(visitor, url)
            generate(page, "a cat", steps=2)
            wait_until(lambda: "could not be saved" in log(), 60)
            expect(message(page)).to_contain_text("could not be saved", timeout=PATIENCE)
            expect(page.locator("#txt2img_gallery img").first).to_be_visible()
