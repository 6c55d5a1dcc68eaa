"""Prompt boxes in Chromium: keys, counters, completion, dropped files; and the pure functions behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from sdui.core.settings import Preferences
from tests.browser.desk import wait_for_last_picture, wait_for_picture
from tests.support.served_page import Server, Visitor, serve
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

BOX = "#txt2img_prompt textarea"
NEGATIVE = "#txt2img_neg_prompt textarea"
LIST = "#prompt_completions"
OPTIONS = {name: value for name, value in Preferences().model_dump().items() if name.startswith("keyedit_")}


@pytest.fixture(scope="module")
def lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prompts")
    (folder / "styles.csv").write_text("name,prompt,negative_prompt\nfilm,film still,drawing\n")
    (folder / "tags").mkdir()
    (folder / "tags" / "mine.csv").write_text("long_hair,0,2900000,\nlong_sleeves,0,1000000,\n")
    (folder / "wildcards").mkdir()
    (folder / "wildcards" / "colour.txt").write_text("red\n")
    for server in serve(folder):
        # Tags are read in the background, and a first answer may come without them.
        tags = f"{server.url}page/completions?kind=word&text=long"
        wait_until(lambda tags=tags: httpx.get(tags).json())
        yield server


@pytest.fixture
def desk(lasting_server: Server, lasting_visitor: Visitor) -> tuple[Server, Page]:
    server, page = lasting_server, lasting_visitor.page
    server.worker.named = {"lora": ["hat"]}
    server.worker.pace = 0
    if not page.url.startswith(server.url):
        lasting_visitor.open(server.url)
    expect(page.locator("#txt2img_generate")).to_be_visible()
    for box in (NEGATIVE, BOX):
        page.fill(box, "")
    lasting_visitor.rest()
    page.focus(BOX)
    return server, page


def call(page: Page, module: str, function: str, *arguments: object) -> object:
    code = f"given => import('/ui/{module}.js').then(module => module.{function}(...given))"
    return page.evaluate(code, list(arguments))


def marked(text: str) -> tuple[str, int, int]:
    """A text with "|" where the selection begins and ends, or "^" for the cursor."""
    if "^" in text:
        return text.replace("^", ""), text.index("^"), text.index("^")
    start, end = (match.start() for match in re.finditer("¦", text))
    return text.replace("¦", ""), start, end - 1


def shown(changed: dict | None) -> str | None:
    if changed is None:
        return None
    text, start, end = changed["text"], changed["start"], changed["end"]
    return f"{text[:start]}¦{text[start:end]}¦{text[end:]}" if start != end else f"{text[:start]}^{text[start:]}"


@pytest.mark.parametrize(
    ("before", "up", "after"),
    [
        ("a re^d apple", True, "a (¦red¦:1.1) apple"),
        ("a (¦red¦:1.1) apple", True, "a (¦red¦:1.2) apple"),
        ("a (¦red¦:1.1) apple", False, "a ¦red¦ apple"),
        ("a ¦(red:1.1)¦ apple", False, "a ¦red¦ apple"),
        ("a ¦red apple, ¦b", False, "a (¦red apple¦:0.9), b"),
        ("a (re^d) apple", True, "a (¦red¦:1.2) apple"),
        ("a ((re^d)) apple", False, "a (¦red¦) apple"),
        ("(a (b^:1.2) c:1.4)", True, "(a (¦b¦:1.3) c:1.4)"),
        ("(a^ (b:1.2) c:1.4)", True, "(¦a (b:1.2) c¦:1.5)"),
        ("(red:0.1^)", False, "(¦red¦:0.0)"),
        ("(red:1.9^)", True, "(¦red¦:2.0)"),
        ("[lo^w]", True, "¦low¦"),
        ("[lo^w]", False, "(¦low¦:0.8)"),
        ("[ca^t:dog:0.5]", True, "[(¦cat¦:1.1):dog:0.5]"),
        ("[a|b^]", True, "[a|(¦b¦:1.1)]"),
        (r"mik^u \(cosplay\)", True, r"(¦miku¦:1.1) \(cosplay\)"),
        (r"miku_\(co^splay\), x", True, r"(¦miku_\(cosplay\)¦:1.1), x"),
        (r"(a \) b^:1.2)", True, r"(¦a \) b¦:1.3)"),
        ("(never re^d", True, "(never (¦red¦:1.1)"),
        ("a <lora:ha^t:1> b", True, "a <lora:ha^t:1.05> b"),
        ("a <lora:ha^t> b", False, "a <lora:ha^t:0.95> b"),
        ("<lora:hat:1:0.^5>", True, "<lora:hat:1:0.^55>"),
        ("<lora:hat:0.95^>", True, "<lora:hat:1.0^>"),
        ("<lora:ha^t:te=0.5>", True, None),
        ("<lora:ha^t", True, "<lora:(¦hat¦:1.1)"),
        ("a  ^  b", True, None),
        ("^", True, None),
        ("caf^é, 猫", True, "(¦café¦:1.1), 猫"),
    ],
)
def test_attention_is_changed(desk, before, up, after):
    text, start, end = marked(before)
    assert shown(call(desk[1], "prompt_keys", "changeAttention", text, start, end, up, OPTIONS)) == after


@pytest.mark.parametrize(
    ("before", "right", "after"),
    [
        ("a, b^b, c", True, "a, c, b^b"),
        ("a, b^b, c", False, "b^b, a, c"),
        ("^a, b", False, None),
        ("a, b^", True, None),
        ("a^, ", True, None),
        ("(x, y^:1.2), b,\nlast", True, "b, (x, y^:1.2),\nlast"),
        ("<lora:a, b:1>, ¦c¦", False, "¦c¦, <lora:a, b:1>"),
        (r"a\(, b^, c\)", False, r"b^, a\(, c\)"),
        ("(open, b^", False, "b^, (open"),
    ],
)
def test_elements_are_moved(desk, before, right, after):
    text, start, end = marked(before)
    assert shown(call(desk[1], "prompt_keys", "moveElement", text, start, end, right)) == after


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ("a <lora:ha^", ("lora", "ha")),
        ("a <lora:^", ("lora", "")),
        ("a <hypernet:x y^", ("hypernetwork", "x y")),
        ("<lora:hat:^1>", None),
        ("a __col^", ("wildcard", "col")),
        ("a __colour__ re^", ("word", "a __colour__ re")),
        ("a, long ha^", ("word", "long ha")),
        ("(red:1.2) (lon^g)", ("word", "lon")),
        ("a, l^", None),
        ("long ^", None),
    ],
)
def test_what_is_being_typed_is_known(desk, before, typed):
    text, cursor, _ = marked(before)
    found = call(desk[1], "completion", "typedAt", text, cursor)
    assert found == (typed and dict(zip(("kind", "text"), typed, strict=True)))


@pytest.mark.parametrize(
    ("before", "entry", "after"),
    [
        ("a, long ha^", ("tag", "long hair", 7), "a, long hair, ^"),
        ("a, lo^, b", ("tag", "long hair", 2), "a, long hair^, b"),
        ("<lora:h^ b", ("lora", "hat", 1), "<lora:hat:1>^ b"),
        ("<lora:h^at:0.5> b", ("lora", "hat", 1), "<lora:hat:1>^ b"),
        ("a __c^, b", ("wildcard", "__colour__", 3), "a __colour__^, b"),
        ("a fi^", ("style", "", 2), "a ^"),
    ],
)
def test_an_entry_takes_the_place_of_what_was_typed(desk, before, entry, after):
    text, cursor, _ = marked(before)
    kind, insert, replaced = entry
    given = {"kind": kind, "insert": insert, "replaced": replaced}
    changed = call(desk[1], "completion", "completed", text, cursor, given)
    assert shown({"text": changed["text"], "start": changed["cursor"], "end": changed["cursor"]}) == after


@pytest.mark.parametrize(("before", "text"), [("a😀b", "a😁b"), ("aaa", "aa"), ("", "x"), ("x", ""), ("abab", "ab")])
def test_the_piece_to_exchange_is_whole_letters(desk, before, text):
    piece = call(desk[1], "editing", "difference", before, text)
    wide = before.encode("utf-16-le")
    head, tail = wide[: 2 * piece["from"]].decode("utf-16-le"), wide[2 * piece["to"] :].decode("utf-16-le")
    assert head + piece["inserted"] + tail == text


def test_keys_change_the_prompt_and_ctrl_z_takes_it_back(desk):
    _, page = desk
    page.fill(BOX, "a cat, a dog")
    page.evaluate("document.querySelector('#txt2img_prompt textarea').setSelectionRange(2, 5)")
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator(BOX)).to_have_value("a (cat:1.1), a dog")
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator(BOX)).to_have_value("a (cat:1.2), a dog")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator(BOX)).to_have_value("a dog, a (cat:1.2)")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.locator(BOX)).to_have_value("a (cat:1.1), a dog")


def test_what_keys_have_changed_is_drawn(desk):
    server, page = desk
    page.keyboard.type("cat")
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Control+Enter")
    wait_until(lambda: getattr(server.newest(), "prompt", "") == "(cat:0.9)")
    wait_for_last_picture(page, server)


def test_cleared_prompts_come_back_with_ctrl_z(desk):
    _, page = desk
    page.fill(NEGATIVE, "dog")
    page.fill(BOX, "a cat")
    page.click("#txt2img_clear_prompt")
    expect(page.locator(BOX)).to_have_value("")
    expect(page.locator(NEGATIVE)).to_have_value("")
    page.keyboard.press("Control+z")
    expect(page.locator(BOX)).to_have_value("a cat")
    page.keyboard.press("Control+z")
    expect(page.locator(NEGATIVE)).to_have_value("dog")


def test_the_counters_count_what_stands_in_the_boxes(desk):
    _, page = desk
    page.fill(BOX, "a (red cat")
    page.fill(NEGATIVE, "dog " * 80)
    expect(page.locator("#txt2img_token_counter")).to_have_text("3/75")
    expect(page.locator("#txt2img_negative_token_counter")).to_have_text("80/150")
    expect(page.locator("#txt2img_token_counter_remarks li")).to_have_text(["“(red cat” is never closed."])
    page.fill(BOX, "")
    expect(page.locator("#txt2img_token_counter")).to_have_text("0/75")
    expect(page.locator("#txt2img_token_counter_remarks")).to_be_hidden()


def test_an_open_list_takes_the_keys_and_esc_stops_no_job(desk):
    server, page = desk
    page.keyboard.type("slow")
    server.worker.pace = 1
    page.keyboard.press("Control+Enter")
    expect(page.locator("#txt2img_interrupt")).to_be_visible()
    job = server.services.jobs.list()[-1]
    page.fill(BOX, "")
    page.keyboard.type("cat, long")
    options = page.locator(f"{LIST} [role=option]")
    expect(options).to_have_text(["long hair2.9M", "long sleeves1M"])
    box = page.locator(BOX)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator(LIST)).to_have_count(0)
    assert box.get_attribute("role") is None
    assert job.view().state == "running"
    page.keyboard.press("Escape")
    wait_until(lambda: job.view().ended)
    assert box.input_value() == "cat, long"


def test_keys_choose_from_the_list(desk):
    _, page = desk
    page.keyboard.type("long")
    expect(page.locator(LIST)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    selected = page.locator(f"{LIST} [aria-selected=true]")
    expect(selected).to_have_text("long sleeves1M")
    expect(page.locator(BOX)).to_have_attribute("aria-activedescendant", selected.get_attribute("id"))
    page.keyboard.press("Enter")
    expect(page.locator(BOX)).to_have_value("long sleeves, ")
    page.keyboard.type("<lora:h")
    expect(page.locator(LIST)).to_have_text("hat aliaslora")
    page.keyboard.press("Tab")
    expect(page.locator(BOX)).to_have_value("long sleeves, <lora:hat alias:1>")
    page.keyboard.type(" __")
    expect(page.locator(LIST)).to_have_text("colourwildcard")
    page.locator(f"{LIST} li").click()
    expect(page.locator(BOX)).to_have_value("long sleeves, <lora:hat alias:1> __colour__")


def test_enter_without_a_choice_is_a_new_line(desk):
    _, page = desk
    page.keyboard.type("long")
    expect(page.locator(LIST)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(LIST)).to_have_count(0)
    expect(page.locator(BOX)).to_have_value("long\n")


def test_a_style_is_chosen_by_its_name(desk):
    server, page = desk
    page.keyboard.type("a cat, fil")
    expect(page.locator(LIST)).to_have_text("filmstyle")
    page.keyboard.press("Tab")
    expect(page.locator("#txt2img_styles .token")).to_have_text(re.compile("film"))
    expect(page.locator("#txt2img_token_counter")).to_have_text("5/75")  # "a cat,, film still"
    page.keyboard.press("Control+Enter")
    wait_until(lambda: getattr(server.newest(), "styles", ()) == ("film",))
    wait_for_last_picture(page, server)
    page.click("#txt2img_styles .token-remove")
    expect(page.locator("#txt2img_styles .token")).to_have_count(0)


@pytest.mark.parametrize("name", ["picture.png", "parameters.txt"])
def test_a_dropped_file_fills_the_form(desk, name):
    server, page = desk
    if name.endswith(".png"):
        page.fill(BOX, "a dropped picture")
        page.keyboard.press("Control+Enter")
        wait_for_picture(page, server)
        data, prompt = server.pictures()[-1].read_bytes(), "a dropped picture"
        page.fill(BOX, "something else")
    else:
        data, prompt = b"a text\nSteps: 7, Sampler: Euler, Seed: 5, Size: 64x64", "a text"
    page.evaluate(DROP, [list(data), name])
    expect(page.locator(BOX)).to_have_value(prompt)
    if name.endswith(".txt"):
        expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")


DROP = """([bytes, name]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
  const box = document.querySelector("#txt2img_prompt textarea");
  for (const kind of ["dragover", "drop"]) {
    box.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
  }
}"""


def test_preferences_switch_counters_completion_and_moving_off(desk, lasting_visitor):
    server, page = desk
    off = {"disable_token_counters": True, "prompt_completion": False, "keyedit_move": False}
    server.services.settings.change(**off)
    page.click("#tab_img2img-button")
    page.click("#tab_txt2img-button")
    page.focus(BOX)
    page.keyboard.type("a, long")
    expect(page.locator("#txt2img_token_counter")).to_be_hidden()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(BOX)).to_have_value("a, long")
    expect(page.locator(LIST)).to_have_count(0)
    server.services.settings.change(**dict.fromkeys(off, False) | {"prompt_completion": True, "keyedit_move": True})
    page.click("#tab_img2img-button")
    page.click("#tab_txt2img-button")
    page.fill(BOX, "a, b")
    expect(page.locator("#txt2img_token_counter")).to_have_text("3/75")
    assert lasting_visitor.strangers() == []
    # Gradio's own warning, at every upload.
    assert set(lasting_visitor.complaints) <= {"Method not implemented."}
