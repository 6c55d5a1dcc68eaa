"""/sdapi/v1/extra-single-image, extra-batch-images and interrogate, as A1111's clients call them."""

import base64
import io
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.api import sdapi
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.extensions.hooks import hook
from sdui.imaging.store import OutputStore
from sdui.jobs.local import LocalWorker
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.running import make_engine, make_host

INFOTEXT = "a red circle\nSteps: 4, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 24x16"


class Says:
    name, problem = "Sizes", ""

    def describe(self, image, context):
        return f"{image.width} by {image.height}"


@hook
def describers(models):
    return [Says()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def client(folder):
    host = make_host()
    host.add(SimpleNamespace(describers=describers), "sizes")
    worker = LocalWorker(lambda: make_engine([folder], folder, host=host))
    app = FastAPI()
    with closing(OutputStore(folder)) as store, closing(JobQueue([worker], store.save, store.save_picture)) as jobs:
        settings, operations = SettingsFile(folder / "config.json"), host.request(ExtrasRequest, "operation")
        sdapi.add(app, Services(jobs, settings, Launch(data_dir=folder), extras=operations))
        with TestClient(app) as client:
            yield client


def picture(size=(24, 16)):
    chunks = PngInfo()
    chunks.add_text("parameters", INFOTEXT)
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(file, "PNG", pnginfo=chunks)
    return base64.b64encode(file.getvalue()).decode()


def opened(text):
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    image.load()
    return image


def test_a_picture_comes_back_larger_with_its_text_and_is_not_kept(client, folder):
    body = {"image": "data:image/png;base64," + picture(), "upscaler_1": "Lanczos", "upscaling_resize": 2}
    answer = client.post("/sdapi/v1/extra-single-image", json=body).json()
    image = opened(answer["image"])
    assert image.size == (48, 32) and image.info["parameters"] == INFOTEXT
    done = "Postprocess upscale by: 2, Postprocess upscaler: Lanczos"
    assert image.info["postprocessing"] == done and answer["html_info"] == f"<p>{done}</p>"
    assert not (folder / "outputs").exists()


def test_the_defaults_change_nothing(client):
    answer = client.post("/sdapi/v1/extra-single-image", json={"image": picture()}).json()
    assert np.array_equal(opened(answer["image"]), opened(picture()))


def test_scale_to_a_size_and_crop(client):
    body = {"image": picture(), "upscaler_1": "Nearest", "resize_mode": 1}
    body |= {"upscaling_resize_w": 64, "upscaling_resize_h": 64}
    url = "/sdapi/v1/extra-single-image"
    assert opened(client.post(url, json=body).json()["image"]).size == (64, 64)
    assert opened(client.post(url, json=body | {"upscaling_crop": False}).json()["image"]).size == (96, 64)


def test_a_batch_does_what_can_be_read_and_names_the_rest(client):
    files = [
        {"data": picture(), "name": "a.png"},
        {"data": base64.b64encode(b"a <shopping> list").decode(), "name": "<b>.txt"},
        {"data": picture((16, 16)), "name": "c.png"},
    ]
    body = {"imageList": files, "upscaler_1": "Lanczos", "upscaling_resize": 2}
    answer = client.post("/sdapi/v1/extra-batch-images", json=body).json()
    assert [opened(image).size for image in answer["images"]] == [(48, 32), (32, 32)]
    assert "&lt;b&gt;.txt was left out." in answer["html_info"] and "<b>" not in answer["html_info"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"image": "no picture"}, "image: this is not base64."),
        ({"image": ""}, "choose a picture first"),
        ({"image": base64.b64encode(b"words").decode()}, "this is no PNG"),
        ({"image": picture(), "upscaler_1": "Nonesuch"}, "Nonesuch"),
        ({"image": picture(), "upscaling_resize": 100}, "less than or equal to 8"),
    ],
    ids=["base64", "nothing", "words", "upscaler", "range"],
)
def test_what_cannot_be_done_is_said(client, body, says):
    answer = client.post("/sdapi/v1/extra-single-image", json=body)
    assert answer.status_code == 422 and says in str(answer.json()["detail"])


def test_an_operation_that_is_not_here_is_refused(tmp_path):
    app = FastAPI()
    with closing(JobQueue([], lambda image, preferences: None)) as jobs:
        settings, operations = SettingsFile(tmp_path / "config.json"), make_host().request(ExtrasRequest, "always")
        sdapi.add(app, Services(jobs, settings, Launch(data_dir=tmp_path), extras=operations))
        with TestClient(app) as client:
            answer = client.post("/sdapi/v1/extra-single-image", json={"image": picture(), "gfpgan_visibility": 1})
    assert answer.status_code == 422 and "there is no such operation" in answer.json()["errors"]


def test_interrogate_finds_its_describer_in_any_case(client):
    answer = client.post("/sdapi/v1/interrogate", json={"image": picture(), "model": "sizes"})
    assert answer.json() == {"caption": "24 by 16"}
    unknown = client.post("/sdapi/v1/interrogate", json={"image": picture(), "model": "nobody"})
    assert unknown.status_code == 404 and "Sizes" in unknown.json()["detail"]
    assert client.post("/sdapi/v1/interrogate", json={"image": None}).status_code == 404
