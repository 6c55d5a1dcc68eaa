"""The cards of LoRAs, embeddings and checkpoints, in Chromium."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from sdui.core.request import LoadRequest
from tests.browser.desk import wait_for_picture
from tests.support.fake_worker import LARGE
from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
SEARCH = "#txt2img_lora_extra_search"


def write(path: Path, notes: dict | None = None, **metadata: str) -> None:
    header = json.dumps({"__metadata__": metadata}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    if notes:
        path.with_suffix(".json").write_text(json.dumps(notes))


def fill(models: Path) -> None:
    tags = json.dumps({"1_hats": {"straw hat": 7, "beach": 3}})
    for number in range(300):
        write(models / "Lora" / "many" / f"lora {number}.safetensors")
    write(
        models / "Lora" / "hat.safetensors",
        {"activation text": "strw hat", "negative text": "rain", "description": "For <summer>"},
        ss_output_name="Red Hat",
        ss_tag_frequency=tags,
        ss_network_dim="8",
    )
    write(models / "embeddings" / "bad hands.safetensors")
    write(models / "hypernetworks" / "unused.safetensors")
    (models / "hypernetworks" / "dream.pt").touch()
    for name in ("demo", "large"):
        (models / "Stable-diffusion").mkdir(exist_ok=True)
        (models / "Stable-diffusion" / f"{name}.safetensors").touch()


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("cards")
    fill(folder / "models")
    yield from serve(folder)


@pytest.fixture
def page(lasting_server: Server, lasting_visitor: Visitor) -> Page:
    """With empty prompts and the LoRAs' cards in sight."""
    page = lasting_visitor.page
    if not page.url.startswith(lasting_server.url):
        lasting_visitor.open(lasting_server.url)
    page.fill(NEGATIVE, "")
    page.fill(PROMPT, "")
    page.click("#txt2img_lora-button")
    page.fill(SEARCH, "")
    expect(cards(page).first).to_be_visible()
    return page


@pytest.fixture
def folder(lasting_server: Server) -> Path:
    return lasting_server.folder / "models"


def cards(page: Page, kind: str = "lora") -> Locator:
    return page.locator(f"#txt2img_{kind}_cards .card")


def find(page: Page, words: str, name: str) -> Locator:
    """The only card that has these words."""
    page.fill(SEARCH, words)
    expect(cards(page).locator("b")).to_have_text([name])
    return cards(page)


def hat(page: Page) -> Locator:
    return find(page, "red summer", "hat")


def test_a_lora_is_searched_for_put_into_the_prompt_and_taken_out(page, lasting_server):
    page.fill(PROMPT, "a cat")
    find(page, "149", "lora 149").click()
    expect(page.locator(PROMPT)).to_have_value("a cat <lora:lora 149:1>")
    page.fill(PROMPT, "a cat, <lora:lora 149:0.5:dyn=4>, night")
    cards(page).click()
    expect(page.locator(PROMPT)).to_have_value("a cat, night")
    cards(page).click()
    page.click("#txt2img_generate")
    wait_until(lambda: getattr(lasting_server.newest(), "prompt", "") == "a cat, night <lora:lora 149:1>")


def test_its_activation_text_and_negative_text_come_and_go_with_it(page):
    page.fill(PROMPT, "a cat")
    page.fill(NEGATIVE, "blurry")
    expect(hat(page)).to_contain_text("For <summer>")
    hat(page).click()
    expect(page.locator(PROMPT)).to_have_value("a cat <lora:Red Hat:1> strw hat")
    expect(page.locator(NEGATIVE)).to_have_value("blurry rain")
    hat(page).click()
    expect(page.locator(PROMPT)).to_have_value("a cat")
    expect(page.locator(NEGATIVE)).to_have_value("blurry")


def test_orders_folders_and_only_the_cards_in_sight(page):
    expect(cards(page).first).to_contain_text("hat")
    assert cards(page).count() < 60, "of 301"
    page.click("#txt2img_lora_dirs button:text-is('many')")
    expect(cards(page).first).to_have_text("lora 0")
    page.click("#txt2img_lora_extra_sort_dir")
    expect(cards(page).first).to_have_text("lora 299")
    page.select_option("#txt2img_lora_extra_sort", "name")
    page.click("#txt2img_lora_extra_sort_dir")
    expect(cards(page).first).to_have_text("lora 0")
    page.locator("#txt2img_lora_cards").evaluate("grid => { grid.scrollTop = grid.scrollHeight; }")
    expect(cards(page).last).to_have_text("lora 299")
    page.click("#txt2img_lora_dirs button:text-is('All')")
    page.select_option("#txt2img_lora_extra_sort", "path")
    expect(cards(page).first).to_contain_text("hat")


def test_the_keyboard_reaches_a_card_and_its_buttons(page):
    hat(page)
    page.focus("#txt2img_lora_extra_refresh")
    cell = page.locator("#txt2img_lora_cards .virtual-grid-cell")
    for _ in range(4):
        if cell.evaluate("cell => cell === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(PROMPT)).to_have_value("<lora:Red Hat:1> strw hat")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#network_metadata")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#network_metadata")).to_have_count(0)


def test_metadata_is_a_table_and_its_tags_go_into_the_prompt(page):
    page.fill(PROMPT, "a cat")
    hat(page).hover()
    hat(page).locator(".card-metadata").click()
    dialog = page.locator("#network_metadata")
    expect(dialog.locator("tr", has_text="ss_network_dim").locator("td")).to_have_text("8")
    expect(dialog.locator(".dialog-tags button")).to_have_text(["straw hat7", "beach3"])
    dialog.locator(".dialog-tags button").first.click()
    dialog.locator(".dialog-close").click()
    expect(page.locator(PROMPT)).to_have_value("a cat, straw hat")


def test_notes_are_edited_and_seen(page, folder):
    find(page, "lora 277", "lora 277").locator(".card-edit").click()
    dialog = page.locator("#txt2img_lora_edit_user_metadata")
    expect(dialog).to_contain_text(str(folder / "Lora" / "many" / "lora 277.safetensors"))
    dialog.get_by_label("Description").fill("Seventy-seven")
    dialog.get_by_label("Stable Diffusion version").select_option("SDXL")
    dialog.get_by_label("Preferred weight").fill("0.65")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(cards(page)).to_contain_text("Seventy-seven")
    written = json.loads((folder / "Lora" / "many" / "lora 277.json").read_text())
    assert written == {"description": "Seventy-seven", "sd version": "SDXL", "preferred weight": 0.65}
    cards(page).click()
    expect(page.locator(PROMPT)).to_have_value("<lora:lora 277:0.65>")
    page.fill(SEARCH, "")
    expect(cards(page).first).to_contain_text("hat")
    find(page, "seventy", "lora 277")


def test_notes_that_cannot_be_kept_are_refused_in_words(page, folder):
    (folder / "Lora" / "many" / "lora 278.json").write_text("{broken")
    find(page, "lora 278", "lora 278").locator(".card-edit").click()
    dialog = page.locator("#txt2img_lora_edit_user_metadata")
    dialog.get_by_label("Notes").fill("new")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("lora 278.json is damaged and was left alone")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_preview_is_replaced_from_the_gallery_and_from_a_file(page, folder, lasting_server):
    hat(page).locator(".card-edit").click()
    dialog = page.locator("#txt2img_lora_edit_user_metadata")
    dialog.get_by_role("button", name="Replace preview").click()
    said = dialog.get_by_role("alert")
    if page.locator("#txt2img_gallery .media-button img").count() == 0:
        expect(said).to_have_text("Select a picture in the gallery first.")
    dialog.get_by_role("button", name="Cancel").click()
    page.fill(PROMPT, "preview")
    page.click("#txt2img_generate")
    wait_for_picture(page, lasting_server)
    name = Path(lasting_server.services.jobs.list()[-1].images()[-1].path).name
    expect(page.locator(f"#txt2img_gallery .media-button img[src*='{name}']")).to_be_visible()
    hat(page).locator(".card-edit").click()
    dialog.get_by_role("button", name="Replace preview").click()
    expect(said).to_have_text("The preview was replaced.")
    preview = folder / "Lora" / "hat.preview.png"
    assert preview.read_bytes() == lasting_server.pictures()[-1].read_bytes()
    picture = hat(page).locator("img")
    expect(picture).to_have_js_property("naturalWidth", 128)
    data = io.BytesIO()
    Image.new("RGB", (30, 20), "blue").save(data, "JPEG")
    chosen = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}
    dialog.locator("input[type=file]").set_input_files(chosen)
    wait_until(lambda: Image.open(io.BytesIO(preview.read_bytes())).size == (30, 20))
    dialog.get_by_role("button", name="Cancel").click()


def test_an_embedding_goes_where_was_typed_last(page):
    page.click("#txt2img_textual_inversion-button")
    card = cards(page, "textual_inversion")
    page.focus(PROMPT)
    card.click()
    expect(page.locator(PROMPT)).to_have_value("bad hands")
    card.click()
    expect(page.locator(PROMPT)).to_have_value("")
    page.focus(NEGATIVE)
    card.click()
    expect(page.locator(NEGATIVE)).to_have_value("bad hands")
    page.focus(PROMPT)
    card.locator(".card-negative").click()
    expect(page.locator(NEGATIVE)).to_have_value("")


def test_a_hypernetwork_has_its_own_tag(page):
    page.click("#txt2img_hypernetworks-button")
    expect(cards(page, "hypernetworks")).to_have_text(["dream"])
    cards(page, "hypernetworks").click()
    expect(page.locator(PROMPT)).to_have_value("<hypernet:dream:1>")


def test_the_card_of_a_checkpoint_loads_it(page, lasting_server):
    page.click("#txt2img_checkpoints-button")
    cards(page, "checkpoints").filter(has_text="large").click()
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(LARGE.title)
    wait_until(lambda: LoadRequest(model=LARGE.title) in lasting_server.worker.tasks)
    assert lasting_server.services.settings.current.sd_model_checkpoint == LARGE.title
    expect(page.locator("#txt2img_height input[type=number]")).to_have_value("768")


def test_img2img_has_its_own_cards(page):
    page.click("#tab_img2img-button")
    page.click("#img2img_lora-button")
    page.fill("#img2img_lora_extra_search", "lora 12 many")
    card = page.locator("#img2img_lora_cards .card").filter(has_text="lora 12")
    card.first.click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("<lora:lora 12:1>")
    page.click("#tab_txt2img-button")
    expect(page.locator(PROMPT)).to_have_value("")


@pytest.mark.parametrize(
    ("prompt", "tag", "how", "expected"),
    [
        ("", "<lora:hat:1>", {}, "<lora:hat:1>"),
        ("a cat", "<lora:hat:1>", {"separator": ", "}, "a cat, <lora:hat:1>"),
        ("<lora:hat:0.3>, a cat", "<lora:hat:1>", {}, "a cat"),
        ("<lora:hat2:1> a cat", "<lora:hat:1>", {}, "<lora:hat2:1> a cat <lora:hat:1>"),
        ("a <lora:hat:1> straw, b", "<lora:hat:1>", {"words": "straw"}, "a, b"),
        ("a strawberry <lora:hat:1>", "<lora:hat:1>", {"words": "straw"}, "a strawberry"),
        ("über", "ber", {}, "über ber"),
        ("a (style.v1), b", "(style.v1)", {}, "a, b"),
    ],
)
def test_a_tag_is_put_in_or_taken_out(page, prompt, tag, how, expected):
    script = "args => import('/ui/prompt_tags.js').then(m => m.toggled(...args))"
    assert page.evaluate(script, [prompt, tag, how]) == expected


def test_nothing_was_asked_of_others_and_nothing_went_wrong(page, lasting_visitor):
    assert lasting_visitor.strangers() == []
    refused = "the server responded with a status of 422"
    assert [said for said in lasting_visitor.complaints if refused not in said] == []
