"""Choosing what draws."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from sdui.core.catalog import Catalog
from sdui.core.request import GenerationRequest, LoadRequest
from tests.browser.desk import choose, generate, wait_for_picture
from tests.support.served_page import serve

pytestmark = pytest.mark.browser


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
