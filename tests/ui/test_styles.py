"""Styles on a tab: chosen, put into the prompts, edited, and found again in a pasted text; without a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import gradio as gr
import pytest

from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import checkpoints, results, txt2img
from sdui.ui.form import Form
from sdui.ui.styles import StyleBox
from tests.support.fake_worker import FakeWorker

FILE = 'name,prompt,negative_prompt\nfilm,"film still of {prompt}, grain",drawing\nneon,neon light,\n'
END = "Steps: 2, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Seed: 1, Size: 64x64"


@pytest.fixture
def services(tmp_path: Path):
    (tmp_path / "styles.csv").write_text(FILE)
    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    yield Services(jobs, SettingsFile(tmp_path / "config.json"), Launch(data_dir=tmp_path))
    jobs.close()


@pytest.fixture
def box(services):
    async def build():
        with gr.Blocks():
            form = Form(services.requests, services.jobs.catalog(), "txt2img")
            form.add("prompt")
            form.add("negative_prompt")
            return StyleBox(services, form, "txt2img", gr.Button())

    return asyncio.run(build())


@pytest.fixture
def tab(services):
    async def build():
        catalog = services.jobs.catalog()
        with gr.Blocks():
            quick = checkpoints.build(services, catalog)
            return txt2img.build(services, catalog, quick, results.remembered("txt2img"))

    return asyncio.run(build())


def names(services) -> list[str]:
    return services.styles.read().names()


def test_the_list_offers_the_files_styles_as_they_are_now(box, services, tmp_path):
    assert [name for _, name in box.chosen.choices] == ["film", "neon"]
    (tmp_path / "styles.csv").write_text(FILE + "new,x,\n")
    update = box.refresh(["neon", "gone"])[box.chosen]
    assert update["choices"] == ["film", "neon", "new", "gone"]
    assert "value" not in update


def test_the_words_go_into_the_prompts_and_the_list_is_emptied(box):
    prompt, negative = box._prompts
    updates = box.put_into_prompts(["film", "neon"], "a cat", "")
    assert (updates[prompt], updates[negative]) == ("film still of a cat, grain, neon light", "drawing")
    assert updates[box.chosen]["value"] == []


def test_a_style_is_saved_deleted_and_brought_back(box, services):
    editor = box.editor
    assert not box.show("mine")[editor.delete]["visible"]
    updates = box.save("mine", "oil {prompt}", "photo", ["film"])
    assert "mine is saved." in updates[editor.message]
    assert updates[box.chosen]["choices"] == ["film", "neon", "mine"]
    shown = box.show("mine")
    assert (shown[editor.prompt], shown[editor.negative]) == ("oil {prompt}", "photo")
    assert shown[editor.delete]["visible"]
    updates = box.delete("mine", ["film", "mine"])
    assert updates[box.chosen]["value"] == ["film"]
    assert updates[editor.select]["value"] == "mine"
    assert editor.prompt not in updates
    assert names(services) == ["film", "neon"]
    box.save("mine", "oil {prompt}", "photo", [])
    assert names(services) == ["film", "neon", "mine"]


def test_the_editor_opens_at_the_last_chosen_style(box):
    updates = box.open(["film", "neon"])
    assert updates[box.editor.select]["value"] == "neon"
    assert updates[box.editor.prompt] == "neon light"


def test_a_file_joins_the_styles_that_are_here(box, services, tmp_path):
    given = tmp_path / "theirs.csv"
    given.write_text("name,text\nneon,neon sign\nnew,x\n")
    assert "theirs.csv: 1 new, 1 replaced, 0 here already." in box.take_in(str(given), "", [])[box.editor.message]
    assert services.styles.read().apply("a", ["neon"]) == "a, neon sign"
    assert "theirs.csv: 0 new, 0 replaced, 2 here already." in box.take_in(str(given), "", [])[box.editor.message]
    given.write_bytes(b"\xff\xfe")
    assert "theirs.csv is not UTF-8" in box.take_in(str(given), "", [])[box.editor.message]
    assert names(services) == ["film", "neon", "new"]


@pytest.mark.parametrize("name", ["", None, ["x"], "# x"])
def test_what_is_no_name_is_refused_in_words(box, name):
    assert 'class="error"' in box.save(name, "x", 5, None)[box.editor.message]


def test_a_damaged_file_is_named_wherever_styles_are_asked_for(box, tmp_path):
    (tmp_path / "styles.csv").write_text("prompt\nx\n")
    for said in (
        box.refresh([])[box.message],
        box.put_into_prompts(["film"], "", "")[box.message],
        box.open([])[box.editor.message],
        box.save("a", "b", "", [])[box.editor.message],
    ):
        assert "must name the columns" in said


def asked(tab, updates) -> tuple[str, str, list[str] | None]:
    """Prompt, negative prompt, and the styles if they change."""
    fields = (tab.form.components[name] for name in ("prompt", "negative_prompt", "styles"))
    return tuple(updates[field]["value"] if field in updates else None for field in fields)


def test_generate_asks_for_the_chosen_styles_and_another_visit_finds_them(tab):
    values = {name: component.value for name, component in tab.form.inputs().items()}
    updates = tab.submit("", [], **values | {"styles": ["neon"], "prompt": "a"})
    request = tab.services.jobs.list()[-1].task
    assert (request.prompt, request.styles) == ("a", ("neon",))
    assert asked(tab, tab.attach("", updates[tab.parts.draft]))[2] == ["neon"]


def test_a_pasted_text_has_its_styles_chosen_and_gives_the_same_prompts(tab):
    text = f"film still of a cat, grain, neon light\nNegative prompt: dog, drawing\n{END}"
    assert asked(tab, tab.show_infotext(text)) == ("a cat", "dog", ["film", "neon"])
    assert asked(tab, tab.show_infotext(f"a cat\n{END}")) == ("a cat", "", [])


@pytest.mark.parametrize(
    ("how", "with_styles", "without"),
    [
        ("Ignore", ("a, neon light", "", None), ("a", "", None)),
        ("Apply", ("a", "", ["neon"]), ("a", "", [])),
        ("Apply if any", ("a", "", ["neon"]), ("a", "", None)),
        ("Discard", ("a", "", None), ("a", "", None)),
    ],
)
def test_a_preference_says_what_becomes_of_the_styles(tab, how, with_styles, without):
    tab.services.settings.change(infotext_styles=how)
    assert asked(tab, tab.show_infotext(f"a, neon light\n{END}")) == with_styles
    assert asked(tab, tab.show_infotext(f"a\n{END}")) == without


@pytest.mark.parametrize(
    "text",
    [
        "a,neon light",
        "a, neon light\nNegative prompt: x",
    ],
)
def test_words_stay_where_the_style_would_not_give_the_same_prompt(tab, text):
    prompt, negative, chosen = asked(tab, tab.show_infotext(f"{text}\n{END}"))
    styles = tab.services.styles.read()
    assert styles.apply(prompt, chosen) == text.split("\n")[0]
    assert styles.apply(negative, chosen, negative=True) == ("x" if "x" in text else "")


def test_the_prompts_of_hires_fix_have_the_same_styles_or_none_is_taken_out(tab):
    hires = "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent"
    same = f'a, neon light\n{END}, {hires}, Hires prompt: "b, neon light"'
    updates = tab.show_infotext(same)
    assert asked(tab, updates) == ("a", "", ["neon"])
    assert updates[tab.form.components["hires.prompt"]]["value"] == "b"
    other = f"a, neon light\n{END}, {hires}, Hires prompt: b"
    assert asked(tab, tab.show_infotext(other))[0] == "a, neon light"


def test_styles_that_are_not_here_are_named(tab):
    said = tab.show_infotext(f'a\n{END}, Styles: "film, Far away"')[tab.parts.log]
    assert "there is no &#x27;Far away&#x27; here; its words stay in the prompts" in said
    request = GenerationRequest(prompt="a", styles=("gone",))
    update, remarks = tab._fill(request, ())
    assert update[tab.form.components["styles"]]["choices"][-1] == "gone"
    assert remarks == ["Styles: there is no 'gone' here; the prompts stay without it."]


def test_a_dropped_file_fills_the_form(tab, tmp_path):
    path = tmp_path / "parameters.txt"
    path.write_text(f"a dropped cat\n{END}")
    assert asked(tab, tab.read_file(str(path)))[0] == "a dropped cat"
    path.write_text(" ")
    assert "parameters.txt holds no parameters." in tab.read_file(str(path))[tab.parts.log]
    (tmp_path / "x.png").write_bytes(b"no picture")
    assert 'class="error"' in tab.read_file(str(tmp_path / "x.png"))[tab.parts.log]
    assert 'class="error"' in tab.read_file(None)[tab.parts.log]
