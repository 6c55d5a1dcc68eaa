"""The lists of LoRAs beside the settings, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PROMPT = "#txt2img_prompt textarea"


def test_a_lora_is_searched_for_put_into_the_prompt_and_taken_out(server, visitor):
    server.worker.loras = [f"lora {number}" for number in range(150)]
    page = visitor.open(server.url)
    page.fill(PROMPT, "a cat")
    page.click("#txt2img_lora-button")
    cards = page.locator("#txt2img_lora_cards button")
    expect(cards).to_have_count(60)
    page.click("#txt2img_lora_next")
    expect(page.locator("#txt2img_lora_place")).to_have_text("61 to 120 of 150")
    page.fill("#txt2img_lora_extra_search textarea, #txt2img_lora_extra_search input", "149")
    expect(cards).to_have_text(["lora 149"])
    cards.first.click()
    expect(page.locator(PROMPT)).to_have_value("a cat <lora:lora 149 alias:1>")
    page.fill(PROMPT, "a cat, <lora:lora 149 alias:0.5:dyn=4>, night")
    cards.first.click()
    expect(page.locator(PROMPT)).to_have_value("a cat, night")
    cards.first.click()
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery img").first).to_be_visible()
    assert server.newest().prompt == "a cat, night <lora:lora 149 alias:1>"
    assert visitor.complaints == []
