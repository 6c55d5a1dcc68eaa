"""From a picture and the form to a job, and a description into the prompt, without a browser."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from sdui.core import standing
from sdui.core.catalog import Checkpoint, Choice
from sdui.core.errors import RequestError
from sdui.core.events import Described
from sdui.core.extras import InterrogateRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.core.stages import InitImage, Inpaint
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import checkpoints, generation, img2img, results
from sdui.ui.form import Form
from sdui.ui.init_pictures import InitPictures
from sdui.ui.interrogating import Interrogation
from tests.support.fake_worker import CATALOG, FakeWorker
from tests.support.running import make_host
from tests.support.servers import wait_until

LOCAL = SimpleNamespace(headers={"host": "127.0.0.1:7860"}, client=SimpleNamespace(host="127.0.0.1"))
ELSEWHERE = SimpleNamespace(headers={"host": "server:7860"}, client=SimpleNamespace(host="10.0.0.7"))
EDITING = Checkpoint("edits", "edits.safetensors", "sd15", edits=True)


class Describing(FakeWorker):
    """Describes every picture by its size."""

    def run(self, task, preferences, emit, stop) -> None:
        self.tasks.append(task)
        if isinstance(task, InterrogateRequest):
            emit(Described("a picture of {}x{}".format(*Image.open(io.BytesIO(task.image)).size)))


async def build(services: Services):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    catalog = services.jobs.catalog()
    with gr.Blocks():
        return img2img.build(services, catalog, checkpoints.build(services, catalog), results.remembered("img2img"))


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    checkpoints = (*CATALOG.checkpoints, EDITING)
    catalog = replace(CATALOG, checkpoints=checkpoints, describers=(Choice("CLIP"),), upscalers=("None", "Lanczos"))
    jobs = JobQueue([Describing(catalog)], lambda image, preferences: None)
    requests = make_host().request(GenerationRequest, "always", "script")
    settings = SettingsFile(folder / "config.json", standing.preferences(requests))
    services = Services(jobs, settings, Launch(data_dir=folder), requests=requests)
    yield asyncio.run(build(services))
    jobs.close()


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.png"
    Image.new("RGB", (100, 60), "red").save(path)
    return str(path)


def values(tab, mode="img2img", **given) -> dict:
    """What the page sends from this inner tab."""
    shown = {name: component.value for name, component in tab.inputs_of(mode).items()}
    return shown | {"job_id": "", "overrides": [], "request": LOCAL} | given


def submit(tab, mode="img2img", **given):
    """The request, or what the page says instead."""
    updates = tab.starter(mode)(**values(tab, mode, **given))
    job = tab.services.jobs.get(updates.get(tab.parts.job_id))
    assert updates[tab.parts.generate]["interactive"], "the button had been locked while the canvas was read"
    if job is None:
        return updates[tab.parts.log]
    list(job.events())
    return tab.services.jobs._workers[0].tasks[-1]  # the job's own copy has lost a batch's pictures


def strokes(folder, box, colour="white", size=(100, 60)) -> list[str]:
    """One layer, as the editor hands it on."""
    layer = Image.new("RGBA", size)
    layer.paste(colour, box)
    path = folder / f"layer {box}.png"
    layer.save(path)
    return [str(path)]


def shown(data: bytes):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_the_very_bytes_of_the_picture_are_handed_on(tab, photo):
    asked = submit(tab, picture=photo, prompt="a cat", init__denoising_strength=0.4)
    assert asked.init.image == Path(photo).read_bytes()
    assert asked.init.denoising_strength == 0.4 and asked.init.inpaint is None


def test_a_mask_counts_in_its_own_tab_only(tab, photo, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (100, 60), 255).save(mask)
    inpaint = submit(tab, "inpaint_upload", picture=photo, mask=str(mask), init__inpaint__padding=8).init.inpaint
    assert inpaint.mask == mask.read_bytes() and inpaint.padding == 8 and inpaint.soft is None
    assert submit(tab, picture=photo).init.inpaint is None


def test_what_is_painted_is_the_mask_and_the_picture_stays_the_very_file(tab, photo, tmp_path):
    layers = strokes(tmp_path, (10, 10, 30, 30)) + strokes(tmp_path, (50, 5, 60, 20))
    init = submit(tab, "inpaint", picture=photo, strokes=layers).init
    assert init.image == Path(photo).read_bytes()
    expected = np.zeros((60, 100), np.uint8)
    expected[10:30, 10:30] = expected[5:20, 50:60] = 255
    assert np.array_equal(shown(init.inpaint.mask), expected)


def test_a_photo_that_lies_on_its_side_is_masked_as_it_is_seen(tab, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "lying.jpg"
    Image.new("RGB", (60, 100), "red").save(path, exif=exif)
    init = submit(tab, "inpaint", picture=str(path), strokes=strokes(tmp_path, (0, 0, 50, 60))).init
    assert init.image == path.read_bytes() and shown(init.inpaint.mask).shape == (60, 100)


def test_a_sketch_is_the_picture_with_its_colours(tab, photo, tmp_path):
    init = submit(tab, "sketch", picture=photo, strokes=strokes(tmp_path, (10, 10, 30, 30), "#00ff00")).init
    expected = np.asarray(Image.open(photo)).copy()
    expected[10:30, 10:30] = (0, 255, 0)
    assert np.array_equal(shown(init.image), expected) and init.inpaint is None
    assert submit(tab, "sketch", picture=photo, strokes=[]).init.image == Path(photo).read_bytes()


def test_an_inpaint_sketch_is_both(tab, photo, tmp_path):
    given = {"picture": photo, "strokes": strokes(tmp_path, (10, 10, 40, 40), "#0000ff"), "init__inpaint__mask_blur": 1}
    init = submit(tab, "inpaint_sketch", **given).init
    assert (shown(init.image)[20, 20] == (0, 0, 255)).all() and (shown(init.image)[50:, 50:] == (255, 0, 0)).all()
    assert shown(init.inpaint.mask)[20, 20] == 255 and shown(init.inpaint.mask)[50, 50] == 0
    init = submit(tab, "inpaint_sketch", **given, transparency=60).init
    assert np.abs(shown(init.image)[20, 20].astype(int) - (153, 0, 102)).max() <= 1
    assert shown(init.inpaint.mask)[20, 20] == 102


@pytest.mark.parametrize(
    ("mode", "given", "says"),
    [
        ("img2img", {}, "Image: choose a picture first."),
        ("inpaint_upload", {"picture": "x.png"}, "x.png has to be handed"),
        ("inpaint", {"picture": "PHOTO", "strokes": []}, "Mask: paint over what is to be drawn anew."),
        ("inpaint_sketch", {"picture": "PHOTO", "strokes": [], "transparency": 400}, "Mask: paint over"),
        ("inpaint", {"picture": __file__}, "Image: this is no PNG"),
        ("batch", {"batch_files": []}, "Batch: choose files first."),
        ("batch", {"batch_way": "from dir"}, "Input directory: it is empty."),
        ("batch", {"batch_way": "from dir", "input_dir": "/", "request": ELSEWHERE}, "only a browser on the server"),
        (
            "batch",
            {"batch_files": ["PHOTO"], "use_png_info": True, "png_info_dir": "/", "request": ELSEWHERE},
            "PNG in",
        ),
        ("img2img", {"picture": "PHOTO", "resize_way": "by", "resize_scale": 99}, "Scale: 99 is too large"),
        ("img2img", {"picture": __file__, "resize_way": "by"}, "Image: this is no PNG"),
    ],
)
def test_what_is_missing_or_odd_is_said_and_nothing_is_asked_for(tab, photo, mode, given, says):
    given = {name: photo if value == "PHOTO" else value for name, value in given.items()}
    given |= {"batch_files": [photo]} if given.get("batch_files") == ["PHOTO"] else {}
    before = tab.services.jobs.list()
    assert says in submit(tab, mode, **given)
    assert tab.services.jobs.list() == before


def test_a_mask_that_lost_its_picture_is_refused_in_words(tab, photo, tmp_path):
    lost = strokes(tmp_path, (1, 1, 9, 9), size=(800, 800))
    assert "painted is 800x800, the picture 100x60" in submit(tab, "inpaint", picture=photo, strokes=lost)


def test_the_size_button_takes_whole_cells_of_the_picture(tab, photo):
    updates = tab.take_size("inpaint", None, None, photo)
    assert [updates[tab.form.components[side]] for side in ("width", "height")] == [96, 56]


def test_resize_by_asks_for_a_share_of_the_pictures_size(tab, photo):
    asked = submit(tab, picture=photo, resize_way="by", resize_scale=1.5, width=100000)
    assert (asked.width, asked.height) == (144, 88)
    assert submit(tab, picture=photo, resize_way="to", resize_scale=1.5, width=64, height=72).width == 64


def test_a_batch_is_one_job_for_all_its_pictures(tab, photo, tmp_path):
    given = {"batch_files": [photo], "png_info_props": ["Seed"], "use_png_info": True, "input_dir": "/nowhere"}
    asked = submit(tab, "batch", **given, prompt="many", resize_way="by", resize_scale=2)
    assert asked.request.prompt == "many" and asked.request.init.image == b"" and asked.request.init.inpaint is None
    assert [(file.name, file.data) for file in asked.source.pictures] == [("photo.png", Path(photo).read_bytes())]
    assert asked.source.folders == () and asked.source.png_info_props == ("Seed",) and asked.resize.scale == 2
    folders = {"input_dir": str(tmp_path), "mask_dir": "masks", "output_dir": "out"}
    asked = submit(tab, "batch", batch_way="from dir", **folders, init__inpaint__mask_blur=9)
    assert asked.source.folders == (str(tmp_path), "out", "masks") and asked.source.pictures == ()
    assert asked.request.init.inpaint.mask_blur == 9 and asked.resize is None
    again = tab.attach(tab.services.jobs.list()[-1].id, "")
    assert again[tab.pictures.mode] == "batch" and again[tab.pictures.batch.masks]["value"] == "masks"


def test_the_settings_upscaler_is_asked_for_and_only_another_is_said(tab, photo):
    text = "a\nSteps: 2, Seed: 3, Size: 64x64, Denoising strength: 0.3"

    def said(text: str):
        return tab.show_infotext(text)[tab.overrides]["value"]

    assert submit(tab, picture=photo).init.upscaler == "None"
    assert said(text) == [] and said(f"{text}, Upscaler: Lanczos") == ["Upscaler: Lanczos"]
    tab.services.settings.change(upscaler_for_img2img="Lanczos")
    try:
        assert submit(tab, picture=photo).init.upscaler == "Lanczos"
        assert submit(tab, picture=photo, overrides=["Upscaler: None"]).init.upscaler == "None"
        assert said(text) == ["Upscaler: None"] and said(f"{text}, Upscaler: Lanczos") == []
    finally:
        tab.services.settings.change(upscaler_for_img2img="None")


def test_the_image_cfg_scale_is_for_checkpoints_that_edit(tab):
    scale = tab.form.components["image_cfg_scale"]
    assert tab.follow_checkpoint(EDITING.title)[scale]["visible"]
    assert not tab.follow_checkpoint(CATALOG.checkpoints[0].title)[scale]["visible"]
    assert not tab.follow_checkpoint(None)[scale]["visible"] and not scale.visible


def test_a_copy_has_what_was_sketched_and_its_tab_opens(tab, photo, tmp_path):
    pictures, layers = tab.pictures, strokes(tmp_path, (0, 0, 50, 60), "#00ff00")
    plain = pictures.copier("img2img", "inpaint")(picture=photo)
    canvas = pictures.canvases["inpaint"]
    assert plain[canvas.image] == gr.update(value=photo, visible=False)
    assert plain[canvas.editor] == gr.update(value=photo, visible=True) and plain[pictures.mode] == "inpaint"
    drawn = pictures.copier("sketch", "img2img")(picture=photo, strokes=layers)
    assert (shown(drawn[pictures.image])[30, 20] == (0, 255, 0)).all() and drawn[pictures.mode] == "img2img"
    assert "choose a picture first" in pictures.copier("sketch", "img2img")()[tab.parts.log]


def test_a_text_or_a_job_opens_the_inner_tab_that_it_is_about(tab, photo):
    text = "a\nSteps: 2, Seed: 3, Size: 64x64, Denoising strength: 0.3"
    assert tab.show_infotext(text)[tab.pictures.mode] == "img2img"
    assert tab.show_infotext(f"{text}, Mask blur: 9")[tab.pictures.mode] == "inpaint"
    data = Path(photo).read_bytes()
    again = tab.pictures.shows(InitImage(image=data, inpaint=Inpaint(mask=data)))
    assert again[tab.pictures.mode] == "inpaint_upload" and again[tab.pictures.mask] == data


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
        made.bind(InitPictures(services.jobs.catalog(), lambda: None), form.components["prompt"], gr.HTML())
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
    field, canvas = tab.form.components, tab.pictures.canvases["inpaint"]
    shown = updates[tab.pictures.image] if mode == "img2img" else updates[canvas.editor]["value"]
    assert shown == data and updates[tab.pictures.mode] == mode
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
