"""The page in German, used by clicking in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import DEFAULTS, generate, wait_for_picture
from tests.support.served_page import Server, Visitor, serve

pytestmark = pytest.mark.browser

TRANSLATED = """async ([html, texts]) => {
  const { translate } = await import("/ui/localization.js");
  const box = document.body.appendChild(document.createElement("div"));
  box.innerHTML = html;
  translate(box, texts);
  const value = box.querySelector("select")?.value ?? box.innerHTML;
  box.remove();
  return value;
}"""
TEXTS = {"Sketch": "Skizze", "Sampling #/#": "Schritt # von #"}


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("lasting"))


@pytest.fixture
def desk(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    server, page = lasting_server, lasting_visitor.page
    if not page.url.startswith(server.url):
        server.services.settings.change(localization="de_DE")
        lasting_visitor.open(server.url)
    return server, page


def test_the_page_is_german_and_its_requests_are_not(desk):
    server, page = desk
    expect(page.locator("#txt2img_generate")).to_have_text("Generieren")
    expect(page.locator("#tab_settings-button")).to_have_text("Einstellungen")
    expect(page.locator("#txt2img_steps")).to_contain_text("Sampling-Schritte")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_attribute(
        "placeholder", "Negativer Prompt\n(Was das Bild nicht zeigen soll)"
    )
    expect(page.locator("#txt2img_clear_prompt")).to_have_attribute("title", "Prompts leeren; Strg+Z holt sie zurück")
    generate(page, "Sketch", **DEFAULTS | {"steps": 3})
    wait_for_picture(page, server)
    request = server.newest()
    assert (request.prompt, request.sampler, request.schedule) == ("Sketch", "DPM++ 2M", "Automatic")
    info = page.locator("#html_info_txt2img")
    expect(info.locator(".prompt")).to_have_text("Sketch")
    expect(info).to_contain_text("Schedule type: Automatic")


def test_choices_are_shown_in_german_and_sent_as_they_are(desk):
    server, page = desk
    page.click("#txt2img_aspect input")
    page.get_by_role("option", name="Wie es ist").click()
    page.click("#txt2img_sampling input")
    expect(page.get_by_role("option", name="Euler", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    chosen = page.locator("#txt2img_aspect input")
    expect(chosen).to_have_value("As it is")
    expect(page.locator("#txt2img_aspect [data-translated]")).to_have_attribute("data-translated", "Wie es ist")
    generate(page, "kept", width=256, steps=1)
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("256")
    wait_for_picture(page, server)
    assert (server.newest().width, server.newest().height) == (256, 256)


def test_what_a_list_sends_stays_what_it_was(desk):
    _, page = desk
    assert page.evaluate(TRANSLATED, ["<select><option>Sketch</option></select>", TEXTS]) == "Sketch"


@pytest.mark.parametrize(
    "html, wanted",
    [
        ("<b> Sketch </b>", "<b> Skizze </b>"),
        ("<i>Sampling 3/20</i>", "<i>Schritt 3 von 20</i>"),
        ('<img alt="Sketch">', '<img alt="Skizze">'),
        ('<p data-foreign=""><img alt="Sketch"><b>Sketch</b></p>', None),
        ('<div class="infotext"><p class="prompt">Sketch</p></div>', None),
        ('<div class="foreign"><li role="option" aria-label="Sketch">Sketch</li></div>', None),
        ("<textarea>Sketch</textarea>", None),
        ("<pre>Sketch</pre>", None),
    ],
)
def test_only_the_words_of_the_page_are_translated(desk, html, wanted):
    _, page = desk
    assert page.evaluate(TRANSLATED, [html, TEXTS]) == (wanted or html)


def test_what_comes_later_is_translated_once(desk):
    """A part that Gradio draws anew, an attribute that a script sets."""
    _, page = desk
    page.evaluate("document.querySelector('#txt2img_steps [data-testid=block-info]').firstChild.data = 'Seed'")
    page.evaluate("document.getElementById('txt2img_steps').title = 'Width'")
    expect(page.locator("#txt2img_steps")).to_have_attribute("title", "Breite")
    page.evaluate("document.querySelector('#txt2img_steps [data-testid=block-info]').firstChild.data = 'Height'")
    expect(page.locator("#txt2img_steps")).to_contain_text("Höhe")


def test_english_is_back_after_a_reload_without_a_language(desk):
    server, page = desk
    server.services.settings.change(localization="None")
    page.reload()
    page.wait_for_selector("html:not([inert]) #txt2img_prompt textarea")
    expect(page.locator("#txt2img_generate")).to_have_text("Generate")
    expect(page.locator("[data-translated]")).to_have_count(0)
