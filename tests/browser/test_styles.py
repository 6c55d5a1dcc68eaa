"""Styles in Chromium: chosen under Generate, edited in the dialog, imported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

DIALOG = "#txt2img_styles_dialog"
SELECT = "#txt2img_styles_edit_select input"
FILE = 'name,prompt,negative_prompt\nfilm,"film still of {prompt}",drawing\nneon,neon light,\n'


def test_a_style_is_made_used_put_into_the_prompt_and_deleted(server, visitor, tmp_path):
    styles = server.folder / "styles.csv"
    styles.write_text(FILE)
    page = visitor.open(server.url)
    prompt, negative = page.locator("#txt2img_prompt textarea"), page.locator("#txt2img_neg_prompt textarea")
    prompt.fill("oil painting")
    negative.fill("photo")

    page.click("#txt2img_styles_edit_button")
    expect(page.get_by_role("dialog", name="Edit styles")).to_be_visible()
    expect(page.locator(DIALOG)).to_be_focused()
    expect(page.locator("#txt2img_edit_style_save")).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    page.click("#txt2img_style_copy")
    expect(page.locator("#txt2img_edit_style_neg_prompt textarea")).to_have_value("photo")
    page.click("#txt2img_edit_style_save")
    expect(page.locator("#txt2img_edit_style_message")).to_have_text("mine is saved.")
    assert '"mine","oil painting","photo"' in styles.read_text(encoding="utf-8-sig")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator("#txt2img_styles_edit_button")).to_be_focused()

    prompt.fill("a cat")
    negative.fill("")
    for name in ("film", "mine"):
        page.click("#txt2img_styles input")
        page.get_by_role("option", name=name, exact=True).click()
    expect(page.locator("#txt2img_styles .token")).to_have_count(2)
    page.click("#txt2img_generate")
    wait_until(lambda: getattr(server.newest(), "styles", ()) == ("film", "mine"))
    expect(page.locator("#txt2img_generate")).to_be_visible()
    page.click("#txt2img_style_apply")
    expect(prompt).to_have_value("film still of a cat, oil painting")
    expect(negative).to_have_value("drawing, photo")
    expect(page.locator("#txt2img_styles .token")).to_have_count(0)

    page.click("#txt2img_styles_edit_button")
    page.click(SELECT)
    page.get_by_role("option", name="mine", exact=True).click()
    expect(page.locator("#txt2img_edit_style_prompt textarea")).to_have_value("oil painting")
    page.click("#txt2img_edit_style_delete")
    expect(page.locator("#txt2img_edit_style_message")).to_have_text("mine is deleted. Save brings it back.")
    assert "mine" not in styles.read_text(encoding="utf-8-sig")

    theirs = tmp_path / "theirs.csv"
    theirs.write_text("name,prompt\nneon,neon sign\nnew,x\n")
    with page.expect_file_chooser() as chooser:
        page.click("#txt2img_edit_style_import")
    chooser.value.set_files(theirs)
    said = "theirs.csv: 1 new, 1 replaced, 0 here already."
    expect(page.locator("#txt2img_edit_style_message")).to_have_text(said)
    page.click("#txt2img_edit_style_close")

    # The other tab has the list as it is now.
    page.click("#tab_img2img-button")
    page.click("#img2img_styles input")
    expect(page.get_by_role("option")).to_have_text([re.compile(name) for name in ("film", "neon", "new")])
    page.get_by_role("option", name="new", exact=True).click()
    expect(page.locator("#img2img_styles .token")).to_have_text(re.compile("new"))
    assert visitor.strangers() == []
    assert set(visitor.complaints) <= {"Method not implemented."}, "Gradio's own warning, at every upload"


def test_esc_in_the_dialog_stops_no_job(server, visitor):
    server.worker.pace = 1
    page = visitor.open(server.url)
    page.fill("#txt2img_prompt textarea", "slow")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    page.click("#txt2img_styles_edit_button")
    expect(page.locator(DIALOG)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_be_hidden()
    (job,) = server.services.jobs.list()
    assert job.view().state == "running"
    server.services.jobs.stop(job)


def test_the_dialog_fits_a_telephone(server, visitor, tmp_path: Path):
    page = visitor.open(server.url)
    page.set_viewport_size({"width": 390, "height": 700})
    page.click("#txt2img_styles_edit_button")
    expect(page.locator("#txt2img_edit_style_close")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
