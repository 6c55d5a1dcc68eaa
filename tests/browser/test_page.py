"""What a person can do on the page, done by clicking in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from sdui.core.catalog import Catalog
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.stages import Hires
from sdui.imaging.file_formats import read_infotext
from tests.support.fake_worker import CATALOG
from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser


def fill(page: Page, prompt: str, **numbers: object) -> None:
    page.fill("#txt2img_prompt textarea", prompt)
    for name, value in numbers.items():
        page.fill(f"#txt2img_{name} input:not([type=range])", str(value))


def generate(page: Page, prompt: str, **numbers: object) -> None:
    fill(page, prompt, **numbers)
    page.click("#txt2img_generate")


def wait_for_picture(page: Page, server: Server) -> None:
    """The last one of the job for the prompt that stands on the page."""
    prompt = page.locator("#txt2img_prompt textarea")
    wait_until(lambda: prompt.input_value() == getattr(server.newest(), "prompt", None))
    job = server.services.jobs.list()[-1]
    wait_until(lambda: job.view().ended)
    name = Path(job.view().images[-1].path).name
    expect(page.locator(f"#txt2img_gallery img[src*='{name}']").first).to_be_visible()
    expect(page.locator("#txt2img_generate")).to_be_visible()


DEFAULTS = {"steps": 20, "width": 128, "height": 128, "batch_count": 1, "batch_size": 1, "cfg_scale": 7, "seed": -1}


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("lasting"))


@pytest.fixture
def desk(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    """A page that is open already, at rest and as a new one, but for what was said last and the gallery."""
    server, page = lasting_server, lasting_visitor.page
    server.worker.pace, server.worker.given = 0, CATALOG
    for job in server.services.jobs.list():
        server.services.jobs.stop(job)
    page.set_viewport_size({"width": 1440, "height": 900})
    if not page.url.startswith(server.url):
        lasting_visitor.open(server.url)
    page.click("#tab_txt2img-button")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    if server.services.settings.current.sd_model_checkpoint not in ("", CATALOG.checkpoints[0].title):
        choose(page, "setting_sd_model_checkpoint", CATALOG.checkpoints[0].title)
    fill(page, "", **DEFAULTS)
    return server, page


def number(page: Page, name: str) -> str:
    return page.locator(f"#txt2img_{name} input:not([type=range])").input_value()


def test_generate_shows_the_picture_and_what_it_was_made_with(server, visitor):
    page = visitor.open(server.url)
    page.click("#txt2img_examples button >> nth=0")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a red apple, 3d style")
    generate(page, "a red apple, 3d style", seed=41)
    wait_for_picture(page, server)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 41")
    size = page.evaluate("document.querySelector('#txt2img_gallery img').naturalWidth")
    assert size == 128, "the checkpoint's own size is the default"
    assert visitor.strangers() == []
    assert visitor.complaints == []


def test_what_is_typed_as_soon_as_the_page_is_there_stays(server, visitor):
    """Though the server still looks for the form of an earlier visit."""
    server.worker.delay = 1.5
    page = visitor.page
    page.goto(server.url)
    page.click("#txt2img_width input[type=number]", click_count=3)
    page.keyboard.type("100000")
    page.click("#txt2img_prompt textarea")
    page.keyboard.type("a cat")
    page.click("#txt2img_generate")
    expect(page.locator("#html_log_txt2img")).to_have_text("Width: 100000 is too large, at most 16384.")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a cat")


def test_progress_preview_and_title_are_shown_while_a_job_runs(desk):
    server, page = desk
    server.worker.pace = 0.15
    generate(page, "slow")
    expect(page.locator("#txt2img_progress")).to_contain_text(re.compile(r"Sampling \d+/20.*%.* s left"))
    expect(page.locator("#txt2img_live_preview img")).to_be_visible()
    expect(page).to_have_title(re.compile(r"\[\d+%\] sdui"))
    wait_for_picture(page, server)
    expect(page.locator("#txt2img_live_preview img")).to_have_count(0)
    expect(page).to_have_title("sdui")


def test_interrupt_ends_the_job_and_the_page_can_generate_again(desk):
    server, page = desk
    server.worker.pace = 0.3
    generate(page, "long", steps=150)
    page.click("#txt2img_interrupt")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    assert server.services.jobs.list()[-1].view().state == "stopped"
    server.worker.pace = 0
    generate(page, "short", steps=2)
    wait_for_picture(page, server)


def test_skip_gives_up_one_batch_only(desk):
    server, page = desk
    server.worker.pace = 0.2
    generate(page, "two", steps=30, batch_count=2, seed=7)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.click("#txt2img_skip")
    server.worker.pace = 0.01
    wait_for_picture(page, server)
    assert [image.request.seed for image in server.services.jobs.list()[-1].view().images] == [8]


def test_keys_generate_and_interrupt(desk):
    server, page = desk
    server.worker.pace = 0.3
    fill(page, "keys", steps=100)
    page.press("#txt2img_prompt textarea", "Control+Enter")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    assert server.services.jobs.list()[-1].view().state == "stopped"


def test_reload_in_the_middle_of_a_job_finds_it_again(server, visitor):
    server.worker.pace = 0.3
    page = visitor.open(server.url)
    generate(page, "still here", steps=25, cfg_scale=4.5, width=192)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    page.reload()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("still here")
    assert (number(page, "steps"), number(page, "cfg_scale"), number(page, "width")) == ("25", "4.5", "192")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    server.worker.pace = 0.01
    wait_for_picture(page, server)
    page.reload()
    wait_for_picture(page, server)
    assert len(server.services.jobs.list()) == 1


def test_a_second_browser_follows_the_running_job_and_can_stop_it(server, visitor, new_visitor):
    server.worker.pace = 0.3
    first = visitor.open(server.url)
    generate(first, "shared", steps=100)
    expect(first.locator("#txt2img_progress")).to_contain_text("Sampling")
    second = new_visitor().open(server.url)
    expect(second.locator("#txt2img_prompt textarea")).to_have_value("shared")
    expect(second.locator("#txt2img_progress")).to_contain_text("Sampling")
    second.click("#txt2img_interrupt")
    expect(first.locator("#txt2img_generate")).to_be_visible()
    expect(second.locator("#txt2img_generate")).to_be_visible()


def test_another_browsers_job_waits_in_line(server, visitor, new_visitor):
    server.worker.pace = 0.3
    first, second = visitor.open(server.url), new_visitor().open(server.url)
    generate(first, "first", steps=100)
    expect(first.locator("#txt2img_progress")).to_contain_text("Sampling")
    generate(second, "second", steps=2)
    expect(second.locator("#txt2img_progress")).to_contain_text("Waiting for the running job")
    first.click("#txt2img_interrupt")
    wait_for_picture(second, server)


def test_png_info_sends_everything_back_and_the_pixels_are_equal(server, visitor):
    page = visitor.open(server.url)
    page.fill("#txt2img_neg_prompt textarea", "blurry, (dark:1.2)")
    generate(page, "a house,\nicon style", seed=2**60 + 1, steps=7, cfg_scale=3.5, width=192, height=64, clip_skip=2)
    wait_for_picture(page, server)
    (before,) = server.pictures()
    page.reload()
    page.click("#tab_pnginfo-button")
    page.set_input_files("#pnginfo_image input[type=file]", before)
    expect(page.locator("#html_info_pnginfo")).to_contain_text("icon style")
    page.click("#txt2img_tab")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a house,\nicon style")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("blurry, (dark:1.2)")
    shown = {name: number(page, name) for name in ("seed", "steps", "cfg_scale", "width", "height", "clip_skip")}
    assert shown == {
        "seed": str(2**60 + 1),
        "steps": "7",
        "cfg_scale": "3.5",
        "width": "192",
        "height": "64",
        "clip_skip": "2",
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


def test_a_bad_width_is_one_clear_message_and_the_page_goes_on(desk):
    server, page = desk
    before = server.services.jobs.list()
    generate(page, "too wide", width=100000)
    expect(page.locator("#html_log_txt2img")).to_have_text("Width: 100000 is too large, at most 16384.")
    assert server.services.jobs.list() == before
    generate(page, "fine", width=128)
    wait_for_picture(page, server)
    expect(page.locator("#html_log_txt2img .error")).to_have_count(0)


def test_a_number_beyond_the_slider_but_valid_is_used(desk):
    server, page = desk
    server.worker.pace = 0.001
    generate(page, "many steps", steps=180)
    wait_for_picture(page, server)
    assert server.newest().steps == 180


def test_a_failure_is_told_in_words(desk):
    _, page = desk
    generate(page, "fail")
    expect(page.locator("#html_log_txt2img .error")).to_have_text(
        "The network returned only NaN; try --precision fp32."
    )
    expect(page.locator("#txt2img_generate")).to_be_visible()


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


def test_switch_exchanges_width_and_height(desk):
    _, page = desk
    fill(page, "", width=640, height=448)
    page.click("#txt2img_res_switch_btn")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("448")
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("640")


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


def choose(page: Page, elem_id: str, text: str) -> None:
    page.click(f"#{elem_id} input")
    page.get_by_role("option", name=text).click()


def test_choosing_a_checkpoint_loads_it_and_takes_its_size(server, visitor):
    page = visitor.open(server.url)
    choose(page, "setting_sd_model_checkpoint", "large.safetensors")
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("768")
    expect(page.locator("#txt2img_examples")).to_have_count(0)
    assert server.newest() == LoadRequest(model="large.safetensors [abcdefabcd]")
    assert server.services.settings.current.sd_model_checkpoint == "large.safetensors [abcdefabcd]"
    generate(page, "with the large one", width=128, height=128)
    wait_for_picture(page, server)
    assert isinstance(server.newest(), GenerationRequest)
    assert server.newest().model == "large.safetensors [abcdefabcd]"
    choose(page, "setting_sd_model_checkpoint", "demo.safetensors")
    page.reload()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("with the large one")
    expect(page.locator("#txt2img_gallery img").first).to_be_visible()


def test_an_answer_that_is_late_does_not_end_the_watch_over_a_newer_job(server, visitor):
    server.worker.pace = 0.2
    late = []

    def hold_the_end_of_the_load(route):
        answer = route.fetch()
        if route.request.post_data_json["fn_index"] == tick and '"finished"' in answer.text() and not late:
            late.append((route, answer))
        else:
            route.fulfill(response=answer)

    tick = function_index(server, "tick")
    page = visitor.open(server.url)
    page.route("**/run/predict*", hold_the_end_of_the_load)
    choose(page, "setting_sd_model_checkpoint", "large.safetensors")
    while not late:
        page.wait_for_timeout(50)
    generate(page, "newer", width=128, height=128)
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    ((route, answer),) = late
    route.fulfill(response=answer)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    server.worker.pace = 0.01
    wait_for_picture(page, server)


def test_loading_another_checkpoint_leaves_the_picture_that_is_looked_at(desk):
    server, page = desk
    generate(page, "three again", seed=100, batch_size=3)
    wait_for_picture(page, server)
    page.click("#txt2img_gallery .thumbnails .thumbnail-item >> nth=2")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 102")
    server.worker.loaded.clear()
    choose(page, "setting_sd_model_checkpoint", "large.safetensors")
    expect(page.locator("#txt2img_progress")).to_contain_text("Loading")
    server.worker.loaded.set()
    expect(page.locator("#txt2img_progress")).not_to_contain_text("Loading")
    page.wait_for_timeout(1000)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 102")


def test_a_checkpoint_that_appears_later_can_be_chosen_after_refresh(desk):
    server, page = desk
    late = server.worker.given.checkpoints[1].__class__("late", "late.safetensors", width=256, height=256)
    server.worker.given = Catalog((*server.worker.given.checkpoints, late), *server_lists(server))
    page.click("#refresh_sd_model_checkpoint")
    choose(page, "setting_sd_model_checkpoint", "late.safetensors")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("256")
    generate(page, "late", width=128)
    wait_for_picture(page, server)
    assert server.newest().model == "late.safetensors"


def server_lists(server) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return server.worker.given.samplers, server.worker.given.schedules


def test_a_broken_checkpoint_says_what_is_wrong_and_where_to_put_a_whole_one(desk):
    _, page = desk
    choose(page, "setting_sd_model_checkpoint", "broken.safetensors")
    expect(page.locator("#banner .error")).to_contain_text("the file ends in the middle of a tensor")
    expect(page.locator("#banner .error")).to_contain_text("models/Stable-diffusion")


def test_without_any_checkpoint_the_page_opens_and_says_where_to_put_one(tmp_path, visitor):
    for server in serve(tmp_path, Catalog((), ("Euler",), ("Automatic",))):
        page = visitor.open(server.url)
        expect(page.locator("#banner .error")).to_contain_text(f"{tmp_path}/models/Stable-diffusion")


def test_settings_are_checked_stored_and_shown_again(server, visitor):
    page = visitor.open(server.url)
    page.click("#tab_settings-button")
    page.fill("#setting_jpeg_quality input[type=number]", "101")
    page.click("#settings_submit")
    expect(page.locator("#settings_result .error")).to_contain_text("is too large, at most 100.")
    page.fill("#setting_jpeg_quality input[type=number]", "91")
    page.fill("#setting_samples_filename_pattern input", "[seed]-[steps]")
    page.click("#settings_submit")
    expect(page.locator("#settings_result")).to_contain_text("2 settings changed and saved.")
    assert '"jpeg_quality": 91' in (server.folder / "config.json").read_text()
    page.reload()
    page.click("#tab_settings-button")
    expect(page.locator("#setting_jpeg_quality input[type=number]")).to_have_value("91")


def test_a_job_that_the_server_forgot_ends_on_the_page_and_the_form_is_kept(server, visitor):
    server.worker.pace = 0.3
    page = visitor.open(server.url)
    generate(page, "forgotten", steps=100, seed=2**60 + 1)
    expect(page.locator("#txt2img_progress")).to_contain_text("Sampling")
    forget_jobs(server)
    expect(page.locator("#html_log_txt2img")).to_contain_text("does not know this page's last job any more")
    expect(page.locator("#txt2img_generate")).to_be_visible()
    page.reload()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("forgotten")
    assert (number(page, "steps"), number(page, "seed")) == ("100", str(2**60 + 1))


def forget_jobs(server) -> None:
    """As a new server would: its queue is empty."""
    server.services.jobs.close()
    server.services.jobs._jobs.clear()


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


def function_index(server, name: str) -> int:
    functions = httpx.get(f"{server.url}config").json()["dependencies"]
    return next(function["id"] for function in functions if function["api_name"] == name)


def test_a_browser_cannot_name_a_file_of_the_server_as_its_upload(server, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "private.png"
    Image.new("RGB", (8, 8)).save(secret)
    read = function_index(server, "_read")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file], "fn_index": read, "session_hash": "x"}
    assert "not uploaded by a user" in httpx.post(f"{server.url}gradio_api/run/predict", json=body).text


def test_nothing_sticks_out_on_a_phone(desk):
    server, page = desk
    page.set_viewport_size({"width": 390, "height": 844})
    generate(page, "a" * 300)
    wait_for_picture(page, server)
    for tab in ("txt2img", "img2img", "PNG Info", "Settings"):
        button = page.locator("#tabs > .tab-wrapper [role=tab]", has_text=tab)
        if not button.count():
            page.click("#tabs > .tab-wrapper .overflow-menu > button")
            button = page.locator("#tabs > .tab-wrapper .overflow-dropdown button", has_text=tab)
        button.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab


def test_every_tool_button_has_a_name_and_a_tooltip(desk):
    _, page = desk
    expect(page.locator("button.tool:not([title])")).to_have_count(0)
    names = page.locator("button.tool:visible").evaluate_all("buttons => buttons.map(b => b.textContent.trim())")
    assert len(names) == 9
    assert all(len(name) > 8 for name in names)


BEYOND = (
    "a cat\nSteps: 3, Sampler: Euler, Schedule type: Automatic, CFG scale: 5, Seed: 3, Size: 64x64, Model: demo, "
    "Variation seed: 7, Variation seed strength: 0.25, Denoising strength: 0.4, Hires upscale: 1.5, "
    'Hires upscaler: Latent, ControlNet 0: "Module: canny, Weight: 1"'
)
"""Parameters of which many have no control on the page."""


def test_what_no_control_shows_is_kept_asked_for_and_can_be_removed(server, visitor):
    page = visitor.open(server.url)
    entries = page.locator("#txt2img_override_settings .token")
    expect(page.locator("#txt2img_override_settings")).to_have_count(0)
    fill(page, BEYOND)
    page.click("#paste")
    expect(entries).to_have_text(
        [
            "Variation seed: 7",
            "Variation seed strength: 0.25",
            "ControlNet 0: Module: canny, Weight: 1",
        ]
    )
    page.click("#txt2img_generate")
    wait_for_picture(page, server)
    asked = server.newest()
    assert (asked.subseed, asked.subseed_strength) == (7, 0.25)
    assert asked.hires == Hires(denoising_strength=0.4, scale=1.5)
    (picture,) = server.pictures()
    assert 'ControlNet 0: "Module: canny, Weight: 1"' in read_infotext(picture.read_bytes())
    page.reload()
    expect(entries).to_have_count(3)
    entries.filter(has_text="Variation seed: 7").locator(".token-remove").click()
    expect(entries).to_have_count(2)
    expect(page.locator("#txt2img_hr_scale input[type=number]")).to_have_value("1.5")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery img[src*='00001-']").first).to_be_visible()
    assert server.newest() == asked.model_copy(update={"subseed": -1})
    page.click("#txt2img_override_settings .remove-all")
    expect(page.locator("#txt2img_override_settings")).to_have_count(0)
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery img[src*='00002-']").first).to_be_visible()
    assert server.newest().subseed_strength == 0
    assert visitor.complaints == []
