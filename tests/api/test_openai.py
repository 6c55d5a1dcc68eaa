"""/v1/images and /v1/models, as OpenAI's clients call them."""

import base64
import io
import json
from contextlib import closing

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from sdui.api import sdapi
from sdui.core import standing
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.imaging.pixels import opened
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.fake_worker import FakeWorker

GENERATE, EDIT = "/v1/images/generations", "/v1/images/edits"
SMALL = {"prompt": "a cat", "size": "64x32"}


class Server:
    def __init__(self, folder) -> None:
        self.worker, self.folder = FakeWorker(), folder
        self.store = OutputStore(folder)
        self.jobs = JobQueue([self.worker], self.store.save)
        self.settings = SettingsFile(folder / "config.json", standing.preferences(GenerationRequest))
        app = FastAPI()
        sdapi.add(app, Services(self.jobs, self.settings, Launch(data_dir=folder)))
        self.client = TestClient(app)

    @property
    def task(self):
        return self.worker.tasks[-1]

    def generate(self, **body):
        return self.client.post(GENERATE, json=SMALL | body)

    def edit(self, fields=None, **files):
        named = [(name.replace("_list", "[]"), ("x.png", data, "image/png")) for name, data in files.items()]
        return self.client.post(EDIT, data={"prompt": "a dog"} | (fields or {}), files=named)


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    with closing(server.store), closing(server.jobs), server.client:
        yield server


def png(mode="RGB", size=(96, 48), half=0) -> bytes:
    """The left half of RGBA is transparent."""
    image = Image.new("RGB", size, "red").convert(mode)
    if mode == "RGBA":
        image.paste((9, 9, 9, half), (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def test_pictures_as_text(server):
    answer = server.generate(n=2, response_format="b64_json", seed=7, quality="hd", style="vivid", user="me")
    assert answer.status_code == 200
    said = answer.json()
    assert said["created"] > 1.7e9 and (said["size"], said["output_format"]) == ("64x32", "png")
    assert [list(one) for one in said["data"]] == [["b64_json"]] * 2
    images = [opened(base64.b64decode(one["b64_json"]), "") for one in said["data"]]
    assert [image.size for image in images] == [(64, 32)] * 2
    assert "Seed: 8" in images[1].info["parameters"]
    assert (server.task.prompt, server.task.batch_count, server.task.steps) == ("a cat", 2, 20)


def test_pictures_by_address(server):
    (said,) = server.generate(model="dall-e-3").json()["data"]
    picture = server.client.get(said["url"])
    assert picture.headers["content-type"] == "image/png" and opened(picture.content, "").size == (64, 32)
    for name in ("none.png", "..%2Fconfig.json", "%2e%2e/%2e%2e/etc/passwd"):
        assert server.client.get(f"/v1/images/files/{name}").status_code == 404
    for path in server.folder.rglob("*.png"):
        path.unlink()
    gone = server.client.get(said["url"])
    assert gone.status_code == 404 and gone.json()["error"]["message"] == "There is no such picture, or not any more."


def test_what_is_named_like_a_checkpoint_draws_and_any_other_name_is_the_pages(server):
    for name, title in {"large": "large", "gpt-image-1": "demo", None: "demo"}.items():
        assert server.generate(model=name).status_code == 200
        assert server.task.model.startswith(title)
    server.settings.change(sd_model_checkpoint="large", CLIP_stop_at_last_layers=2)
    answer = server.generate(model="gpt-image-1", size="auto")
    assert list(answer.json()["data"][0]) == ["b64_json"], "these models' clients expect it"
    told = server.task.model, server.task.width, server.task.height, server.task.clip_skip
    assert told == ("large.safetensors [abcdefabcd]", 512, 768, 2)


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"size": "big"}, "size", "size: 'big' is no size"),
        ({"size": "99999x64"}, "size", "size: '99999x64' is no size of 10 to 9999 pixels a side"),
        ({"seed": -2}, "seed", "seed: Input should be greater than or equal to -1."),
        ({"n": 11}, "n", "n: Input should be less than or equal to 10."),
        ({"prompt": None}, "prompt", "prompt: Input should be a valid string."),
        ({"response_format": "tape"}, "response_format", "response_format: Input should be 'url' or 'b64_json'."),
        ({"stream": True}, "stream", "stream: pictures are sent when they are finished"),
    ],
)
def test_what_is_wrong_is_said_in_openais_form(server, body, param, says):
    answer = server.generate(**body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert error["message"].startswith(says)
    assert server.worker.tasks == []


def test_no_json_and_half_an_emoji(server):
    answer = server.client.post(GENERATE, content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"
    for field in ("prompt", "size", "model"):
        body = json.dumps(SMALL | {field: "\ud83d"}).encode()
        answer = server.client.post(GENERATE, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400) and answer.json()


def test_a_failure_of_the_engine_is_the_servers(server):
    answer = server.generate(prompt="fail")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (500, "server_error", None)
    assert "NaN" in error["message"]


def test_an_edit_without_a_mask_starts_from_the_picture(server):
    answer = server.edit({"n": "2", "response_format": "b64_json", "size": "auto"}, image=png(size=(96, 48)))
    assert answer.status_code == 200 and len(answer.json()["data"]) == 2
    init = server.task.init
    assert (init.image, init.denoising_strength, init.inpaint) == (png(), 0.75, None)
    assert (server.task.prompt, server.task.width, server.task.height) == ("a dog", 184, 88), "128x128 in its shape"


@pytest.mark.parametrize("files", [{"image": png(), "mask": png("RGBA")}, {"image": png("RGBA")}])
def test_what_is_transparent_is_drawn_anew(server, files):
    assert server.edit({"size": "64x32"}, **files).status_code == 200
    init = server.task.init
    mask = np.asarray(opened(init.inpaint.mask, ""))
    assert (mask[:, :48] == 255).all() and (mask[:, 48:] == 0).all()
    assert (init.denoising_strength, init.inpaint.fill, server.task.width) == (1.0, "fill", 64)


def test_several_pictures(server):
    files = [("image[]", ("a.png", png(), "image/png")), ("image[]", ("b.png", png("L"), "image/png"))]
    assert server.client.post(EDIT, data={"prompt": "x"}, files=files).status_code == 200
    assert server.task.init.image == png()


@pytest.mark.parametrize(
    ("fields", "files", "param", "says"),
    [
        ({}, {"mask": png()}, "image", "image: choose a picture first."),
        ({}, {"image": b"words"}, "image", "image: this is no PNG"),
        ({}, {"image": png(), "mask": png()}, "mask", "mask: nothing of it is transparent"),
        ({}, {"image": png(), "mask": b"words"}, "mask", "mask: this is no PNG"),
        ({"n": "many"}, {"image": png()}, "n", "n: Input should be a valid integer"),
        ({"size": "3"}, {"image": png()}, "size", "size: '3' is no size"),
    ],
)
def test_what_cannot_be_edited_is_said(server, fields, files, param, says):
    answer = server.edit(fields, **files)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param)
    assert error["message"].startswith(says)


def test_a_broken_form_is_refused(server):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = server.client.post(EDIT, content=b"--y\r\nno form", headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"


def test_models_are_the_checkpoints_that_can_be_used(server):
    said = server.client.get("/v1/models").json()
    assert said["object"] == "list"
    assert [(one["id"], one["object"]) for one in said["data"]] == [("demo", "model"), ("large", "model")]


def test_errors_are_in_the_description(server):
    described = server.client.get("/openapi.json").json()["paths"][GENERATE]["post"]["responses"]
    assert {"200", "4XX", "5XX"} == set(described)
