"""From a picture and the form to a job, and a description into the prompt, without a browser."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from sdui.core.catalog import Choice
from sdui.core.errors import RequestError
from sdui.core.events import Described
from sdui.core.extras import InterrogateRequest
from sdui.core.request import GenerationRequest
from sdui.core.settings import Launch, SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.ui import checkpoints, generation, img2img, results
from sdui.ui.form import Form
from sdui.ui.init_pictures import InitPictures
from sdui.ui.interrogating import Interrogation
from sdui.ui.services import Services
from tests.support.fake_worker import CATALOG, FakeWorker
from tests.support.running import make_host
from tests.support.servers import wait_until


class Describing(FakeWorker):
    """Describes every picture by its size."""

    def run(self, task, preferences, emit, stop) -> None:
        if isinstance(task, InterrogateRequest):
            self.tasks.append(task)
            emit(Described("a picture of {}x{}".format(*Image.open(io.BytesIO(task.image)).size)))
        else:
            super().run(task, preferences, emit, stop)


async def build(services: Services):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    catalog = services.jobs.catalog()
    with gr.Blocks():
        return img2img.build(services, catalog, checkpoints.build(services, catalog), results.remembered("img2img"))


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    catalog = replace(CATALOG, describers=(Choice("CLIP"),))
    jobs = JobQueue([Describing(catalog)], lambda image, preferences: None)
    requests = make_host().request(GenerationRequest, "always", "script")
    services = Services(jobs, SettingsFile(folder / "config.json"), Launch(data_dir=folder), requests=requests)
    yield asyncio.run(build(services))
    jobs.close()


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.png"
    Image.new("RGB", (100, 60), "red").save(path)
    return str(path)


def values(tab, **pictures) -> dict:
    """What the page sends."""
    shown = {name: component.value for name, component in tab.inputs().items()}
    return shown | {"job_id": "", "overrides": [], "mode": "img2img"} | pictures


def submitted(tab):
    return tab.services.jobs.list()[-1].task


def test_the_very_bytes_of_the_picture_are_handed_on(tab, photo):
    tab.submit(**values(tab, image=photo) | {"prompt": "a cat", "init__denoising_strength": 0.4})
    init = submitted(tab).init
    assert init.image == Path(photo).read_bytes()
    assert init.denoising_strength == 0.4 and init.inpaint is None


def test_a_mask_counts_in_its_own_tab_only(tab, photo, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (100, 60), 255).save(mask)
    given = {"mode": "inpaint_upload", "base": photo, "mask": str(mask)}
    tab.submit(**values(tab, **given) | {"init__inpaint__padding": 8})
    inpaint = submitted(tab).init.inpaint
    assert inpaint.mask == mask.read_bytes() and inpaint.padding == 8 and inpaint.soft is None
    tab.submit(**values(tab, **given) | {"mode": "img2img", "image": photo})
    assert submitted(tab).init.inpaint is None


@pytest.mark.parametrize(
    ("given", "says"),
    [({}, "Image: choose a picture first."), ({"mode": "inpaint_upload", "base": "x.png"}, "x.png has to be handed")],
)
def test_what_is_missing_is_said_and_nothing_is_asked_for(tab, given, says):
    before = tab.services.jobs.list()
    assert says in tab.submit(**values(tab, **given))[tab.parts.log]
    assert tab.services.jobs.list() == before


def test_the_size_button_takes_whole_cells_of_the_picture(tab, photo):
    updates = tab.take_size("img2img", photo, None)
    assert [updates[tab.form.components[side]] for side in ("width", "height")] == [96, 56]


def test_the_text_of_such_a_picture_fills_everything_but_the_picture(tab):
    text = "a\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64, Denoising strength: 0.3, Mask blur: 9, Version: v1.10.1"
    updates = tab.show_infotext(text)
    assert updates[tab.form.components["init.denoising_strength"]]["value"] == 0.3
    assert updates[tab.form.components["init.inpaint.mask_blur"]]["value"] == 9
    assert "choose them" in updates[tab.parts.log]


async def interrogation(services: Services) -> Interrogation:
    form = Form(services.requests, services.jobs.catalog(), "img2img")
    with gr.Blocks():
        made = Interrogation(services, generation.top(services, form, "img2img"))
        made.bind(InitPictures(lambda: None), form.components["prompt"], gr.HTML())
    return made


def test_a_description_of_the_picture_becomes_the_prompt(tab, photo):
    asking = asyncio.run(interrogation(tab.services))
    begun = asking.starter("CLIP")("", "img2img", photo, None)
    wait_until(lambda: tab.services.jobs.get(begun[asking.job.asked]).view().ended)
    assert asking.tick(begun[asking.job.asked])[asking.prompt] == "a picture of 100x60"
    assert "There is no interrogator" in asking.starter("DeepDanbooru")("", "img2img", photo, None)[asking.log]


TEXT = (
    "a pear\nNegative prompt: blur\n"
    "Steps: 3, Sampler: Euler, CFG scale: 4, Seed: 9, Size: 64x64, Denoising strength: 0.1"
)


def png(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height)).save(data, "png")
    return data.getvalue()


@pytest.mark.parametrize("mode", ["img2img", "inpaint"])
@pytest.mark.parametrize("along", [True, False])
def test_a_picture_from_elsewhere_comes_with_what_it_was_made_with(tab, mode, along):
    tab.services.settings.change(send_seed=along, send_size=along)
    data = png(200, 120)
    updates = tab.take_picture(mode, data, TEXT)
    field = tab.form.components
    assert updates[tab.pictures.image if mode == "img2img" else tab.pictures.base] == data
    taken = {name: updates[field[name]]["value"] for name in ("prompt", "negative_prompt", "steps", "cfg_scale")}
    assert taken == {"prompt": "a pear", "negative_prompt": "blur", "steps": 3, "cfg_scale": 4}
    assert (field["seed"] in updates, field["width"] in updates) == (along, along)
    if along:
        assert (updates[field["width"]], updates[field["height"]]) == (200, 120)
    assert field["init.denoising_strength"] not in updates and field["batch_count"] not in updates


def test_a_picture_without_a_text_leaves_the_prompts(tab):
    assert tab.form.components["prompt"] not in tab.take_picture("img2img", png(8, 8))
    with pytest.raises(RequestError):
        tab.take_picture("img2img", b"nothing")
