"""Fields come from the declarations with A1111's ids, labels and ranges, and are read back by name."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest

from sdui.core import infotext
from sdui.core.catalog import Catalog, Checkpoint, Choice
from sdui.core.errors import RequestError
from sdui.core.groups import Look, groups_of
from sdui.core.params import declared
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.ui import scripts
from sdui.ui.form import Form
from tests.support.running import make_host

CATALOG = Catalog((Checkpoint("demo", "demo.safetensors"),), ("DPM++ 2M", "Euler"), ("Automatic", "Karras"))


LISTS = {"settings": ("a",), "tabs": ("txt2img",), "localizations": ("None",)}


async def build(model, catalog, prefix):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    with gr.Blocks():
        form = Form(model, catalog, prefix, LISTS)
        for d in declared(model):
            if not d.path.startswith(("init.", "hires.", "refiner.")):  # stages that are off unless asked for
                form.add(d.path)
    return form


@pytest.fixture
def form():
    return asyncio.run(build(GenerationRequest, CATALOG, "txt2img"))


@pytest.mark.parametrize(
    ("path", "label", "elem_id", "low", "high", "step", "value"),
    [
        ("steps", "Sampling steps", "txt2img_steps", 1, 150, 1, 20),
        ("width", "Width", "txt2img_width", 64, 2048, 8, 512),
        ("height", "Height", "txt2img_height", 64, 2048, 8, 512),
        ("cfg_scale", "CFG Scale", "txt2img_cfg_scale", 1, 30, 0.5, 7),
        ("batch_count", "Batch count", "txt2img_batch_count", 1, 100, 1, 1),
        ("batch_size", "Batch size", "txt2img_batch_size", 1, 8, 1, 1),
    ],
)
def test_sliders_are_those_of_a1111(form, path, label, elem_id, low, high, step, value):
    slider = form.components[path]
    assert slider.get_block_name() == "slider"
    assert (slider.label, slider.elem_id) == (label, elem_id)
    assert (slider.minimum, slider.maximum, slider.step, slider.value) == (low, high, step, value)


def test_other_fields_have_the_ids_that_extensions_look_for(form):
    ids = {path: component.elem_id for path, component in form.components.items()}
    assert ids["prompt"] == "txt2img_prompt"
    assert ids["negative_prompt"] == "txt2img_neg_prompt"
    assert ids["sampler"] == "txt2img_sampling"
    assert ids["schedule"] == "txt2img_scheduler"
    assert [value for _, value in form.components["sampler"].choices] == ["DPM++ 2M", "Euler"]


def test_a_value_outside_the_slider_reaches_the_declaration(form):
    assert form.components["width"].preprocess(4096) == 4096
    assert form.read({"width": 4096}).width == 4096


def test_a_wrong_value_is_one_sentence_with_the_label(form):
    with pytest.raises(RequestError, match=r"^Width: 100000 is too large, at most 16384\.$"):
        form.read({"width": 100000, "prompt": "x"})
    with pytest.raises(RequestError, match=r"Seed: .*not 'abc'"):
        form.read({"seed": "abc"})


def test_an_empty_seed_means_a_random_one(form):
    assert form.read({"seed": ""}).seed == -1


def test_values_are_read_by_name_in_any_order(form):
    names = list(reversed(form.inputs()))
    values = {name: form.inputs()[name].value for name in names}
    assert form.read(values) == GenerationRequest()


def test_filling_and_reading_gives_the_same_request(form):
    request = GenerationRequest(prompt="a", steps=33, seed=2**62 + 1, sampler="Euler", schedule="Karras", clip_skip=2)
    updates, unknown = form.fill(request, keep=("model",))
    shown = {path: updates[component]["value"] for path, component in form.components.items() if component in updates}
    assert unknown == []
    assert form.read(shown) == request


def test_an_infotext_without_clip_skip_sets_it_back_but_leaves_the_batch_alone(form):
    request = infotext.read("a\nSteps: 5, Sampler: Euler, Seed: 1, Size: 64x128")
    updates, _ = form.fill(request, keep=("batch_count", "batch_size"))
    assert updates[form.components["clip_skip"]]["value"] == 1
    assert updates[form.components["height"]]["value"] == 128
    assert form.components["cfg_scale"] not in updates, "what a damaged text does not say stays"
    assert form.components["batch_count"] not in updates


def test_a_name_that_is_not_offered_is_reported_and_not_shown(form):
    updates, unknown = form.fill(GenerationRequest(sampler="Unheard"), keep=("model",))
    assert form.components["sampler"] not in updates
    assert unknown == ["Sampling method: 'Unheard' is not available here; the page keeps what it had."]


def test_preferences_become_the_settings_of_the_same_name():
    form = asyncio.run(build(Preferences, Catalog(), "setting"))
    box, choice, quality = (form.components[name] for name in ("samples_save", "samples_format", "jpeg_quality"))
    assert (box.elem_id, type(box)) == ("setting_samples_save", gr.Checkbox)
    assert [value for _, value in choice.choices] == ["png", "jpg", "webp"]
    assert (quality.minimum, quality.maximum) == (1, 100)


REQUESTS = make_host().request(GenerationRequest, "always", "script")


async def with_extensions():
    with gr.Blocks():
        form = Form(REQUESTS, CATALOG, "txt2img")
        form.add("prompt")
        scripts.build(form, REQUESTS, "txt2img")
    return form


def test_controls_of_extensions_are_made_from_their_declarations():
    form = asyncio.run(with_extensions())
    window = form.components["extensions.tiled_diffusion.window_size"]
    assert (window.label, window.elem_id, window.value) == (
        "Window size",
        "script_txt2img_tiled_diffusion_window_size",
        64,
    )
    kind = form.components["extensions.xyz_plot.x_type"]
    assert kind.elem_id == "script_txt2img_xyz_plot_x_type" and kind.value == "Seed"
    offered = [value for _, value in kind.choices]
    assert offered[:5] == ["Nothing", "Seed", "Var. seed", "Var. strength", "Steps"]
    assert "[Tiled Diffusion] Stride" in offered and "Image CFG Scale" not in offered
    titles = [value for _, value in form.components["script"].choices]
    assert titles == ["None", "Prompt matrix", "Prompts from file or textbox", "X/Y/Z plot"]


def test_what_is_off_is_left_out_and_what_is_on_is_read_and_filled():
    form = asyncio.run(with_extensions())
    page = {path.replace(".", "__"): getattr(component, "value", None) for path, component in form.components.items()}
    page["prompt"] = "a"
    assert form.read(page).extensions == REQUESTS().extensions
    page |= {"extensions__tiled_diffusion": True, "extensions__tiled_diffusion__stride": 8}
    page |= {"script": "X/Y/Z plot", "extensions__xyz_plot__x_values": "1,2"}
    request = form.read(page)
    assert request.extensions.tiled_diffusion.stride == 8
    assert request.extensions.xyz_plot.x_values == "1,2" and request.extensions.prompt_matrix is None
    updates, unknown = form.fill(infotext.read(infotext.write(request, {}), REQUESTS))
    assert unknown == []
    assert updates[form.components["script"]]["value"] == "X/Y/Z plot"
    assert updates[form.components["extensions.tiled_diffusion"]]["value"] is True
    assert updates[form.components["extensions.tiled_diffusion.stride"]]["value"] == 8
    updates, _ = form.fill(REQUESTS())
    assert updates[form.components["script"]]["value"] == "None"


def test_a_control_says_which_files_it_needs():
    catalog = Catalog(
        face_restorers=(Choice("CodeFormer", "CodeFormer needs its file: put it there."), Choice("GFPGAN"))
    )

    async def made():
        with gr.Blocks():
            form = Form(REQUESTS, catalog, "txt2img")
            return form.add("extensions.restore_faces.model")

    model = asyncio.run(made())
    assert model.info == "CodeFormer needs its file: put it there."
    assert [value for _, value in model.choices] == ["CodeFormer", "GFPGAN"]


def test_an_axis_with_a_list_has_it_in_place_of_the_text():
    form = asyncio.run(with_extensions())
    plot = {path.rpartition(".")[2]: part for path, part in form.components.items() if ".xyz_plot." in path}
    assert plot["x_values"].visible and not plot["x_values_dropdown"].visible
    group = groups_of(form._model)["xyz_plot"]
    held = {name: part.value for name, part in plot.items()} | {"x_type": "Sampler", "x_values": "Euler, DPM++ 2M"}
    chosen = group.looks(held, form._model, "txt2img")
    update = form.looking(chosen["x_values_dropdown"])
    assert (update["visible"], update["choices"]) == (True, ["DPM++ 2M", "Euler"])
    assert update["value"] == ["Euler", "DPM++ 2M"] and not form.looking(chosen["x_values"])["visible"]
    written = group.looks(
        held | {"csv_mode": True, "x_values": "", "x_values_dropdown": ["Euler", "a, b"]}, form._model, "txt2img"
    )
    assert written["x_values"] == Look(True, value='Euler,"a, b"')
    other = group.looks(held | {"x_type": "Steps", "x_values": "1-3"}, form._model, "txt2img")
    assert other["x_values"] == Look(True, value="1-3") and other["x_values_dropdown"].value == []


def test_a_plot_that_is_shown_again_has_its_lists_and_what_was_chosen():
    form = asyncio.run(with_extensions())
    plot = {"y_type": "Sampler", "y_values_dropdown": ["Euler"], "x_values": "1,2"}
    updates, _ = form.fill(form._model.model_validate({"prompt": "a cat", "extensions": {"xyz_plot": plot}}))
    shown = updates[form.components["extensions.xyz_plot.y_values_dropdown"]]
    assert (shown["visible"], shown["choices"], shown["value"]) == (True, ["DPM++ 2M", "Euler"], ["Euler"])
    assert updates[form.components["extensions.xyz_plot.x_values"]]["value"] == "1,2"
