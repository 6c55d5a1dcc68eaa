"""/sdapi/v1/txt2img and img2img: what A1111's fields mean, and what is said of those that mean nothing here."""

from __future__ import annotations

import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from sdui.api import fetched_pictures

SMALL = {"width": 64, "height": 32, "steps": 1, "seed": 5}


def picture(size=(64, 32)):
    data = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(data, "PNG")
    return data.getvalue()


def text(data):
    return base64.b64encode(data).decode()


def draw(api, kind="txt2img", **fields):
    answer = api.post(f"/sdapi/v1/{kind}", SMALL | fields)
    return answer, json.loads(answer["info"])


def saved(api):
    return sorted((api.folder / "outputs").rglob("*.png"))


def test_pictures_are_sent_and_not_kept(interface):
    answer, info = draw(interface, prompt="a cat", n_iter=2, batch_size=2)
    images = [Image.open(io.BytesIO(base64.b64decode(one))) for one in answer["images"]]
    assert [image.size for image in images] == [(64, 32)] * 4
    assert images[0].info["parameters"] == info["infotexts"][0]
    assert info["all_seeds"] == [5, 6, 7, 8] and (info["seed"], info["batch_size"]) == (5, 2)
    assert (answer["parameters"]["prompt"], answer["parameters"]["steps"]) == ("a cat", 1)
    assert saved(interface) == [] and "warnings" not in info


def test_pictures_are_kept_where_they_shall_be(interface):
    answer, _ = draw(interface, save_images=True, send_images=False)
    assert answer["images"] == [] and len(saved(interface)) == 1
    draw(interface, save_images=True, do_not_save_samples=True)
    assert len(saved(interface)) == 1


def test_defaults_are_a1111s(interface):
    interface.post("/sdapi/v1/txt2img", {})
    interface.post("/sdapi/v1/img2img", {"init_images": [text(picture())], "mask": text(picture())})
    drawn, changed = interface.worker.tasks
    assert (drawn.steps, drawn.sampler, drawn.width, drawn.height, drawn.seed) == (50, "Euler", 512, 512, -1)
    assert (changed.init.denoising_strength, changed.init.inpaint.area, changed.init.inpaint.padding) == (
        0.75,
        "Only masked",
        0,
    )


def test_what_means_nothing_here_is_ignored_and_named(interface):
    _, info = draw(interface, nonsense=1, override_settings={"other_nonsense": 2, "samples_format": "png"})
    assert [one.split(":")[0] for one in info["warnings"]] == ["nonsense", "other_nonsense"]
    always = {"Refiner": {"args": [False]}, "Sampler": {"args": [20, "Euler", "Automatic"]}, "seed": {"args": [1]}}
    _, info = draw(interface, alwayson_scripts=always)
    assert "warnings" not in info


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"steps": 0}, "steps"),
        ({"sampler_name": ["Euler"]}, "sampler_name"),
        ({"alwayson_scripts": {"ControlNet": {"args": []}}}, "there is no script 'ControlNet'"),
        ({"alwayson_scripts": {"Detailer": 5}}, "needs"),
        ({"script_name": "Nonesuch"}, "there is no script 'Nonesuch'"),
        ({"override_settings": {"samples_format": "bmp"}}, "override_settings: samples_format"),
        ({"override_settings": {"CLIP_stop_at_last_layers": 99}}, "99"),
        ({"extensions": {"nonesuch": {}}}, "extensions"),
        ({"force_task_id": ""}, "force_task_id"),
    ],
)
def test_what_is_wrong_is_named(interface, fields, says):
    answer = interface.client.post("/sdapi/v1/txt2img", json=SMALL | fields)
    assert answer.status_code == 422 and says in answer.json()["errors"] and interface.worker.tasks == []


def test_half_an_emoji_is_replaced(interface):
    body = json.dumps(SMALL | {"prompt": "x\ud800y", "other": ["\ud800"]})
    answer = interface.client.post("/sdapi/v1/txt2img", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200 and answer.json()["parameters"]["prompt"] == "x?y"
    assert interface.worker.tasks[0].prompt == "x?y"


def test_a_prompt_that_nobody_can_have_written_is_refused(interface):
    answer = interface.client.post("/sdapi/v1/txt2img", json=SMALL | {"prompt": "x " * 200_000})
    assert answer.status_code == 422 and "400000 characters are too many" in answer.json()["errors"]
    assert len(answer.text) < 1000


def test_settings_count_and_overridden_ones_only_once(interface):
    interface.services.settings.change(CLIP_stop_at_last_layers=2, eta_noise_seed_delta=31337)
    draw(interface)
    draw(interface, override_settings={"CLIP_stop_at_last_layers": 3, "sd_model_checkpoint": "large"})
    draw(interface, override_settings={"CLIP_stop_at_last_layers": 4}, override_settings_restore_afterwards=False)
    draw(interface)
    tasks = interface.worker.tasks
    assert [task.clip_skip for task in tasks] == [2, 3, 4, 4]
    assert {task.eta_noise_seed_delta for task in tasks} == {31337} and [task.model for task in tasks][1] == "large"
    assert interface.settings.CLIP_stop_at_last_layers == 4


def test_fields_go_before_settings(interface):
    interface.services.settings.change(eta_ancestral=0.3, s_churn=1.0)
    draw(interface, eta=0.7, s_churn=0.0)
    assert (interface.worker.tasks[0].sampling.eta_ancestral, interface.worker.tasks[0].sampling.s_churn) == (0.7, 0.0)


def test_an_infotext_says_what_the_fields_do_not(interface):
    _, first = draw(interface, prompt="a cat", cfg_scale=3, enable_hr=True, hr_scale=1.5, sampler_name="Euler a")
    interface.post("/sdapi/v1/txt2img", {"infotext": first["infotexts"][0], "steps": 7})
    task = interface.worker.tasks[-1]
    assert (task.prompt, task.cfg_scale, task.sampler, task.seed, task.width) == ("a cat", 3, "Euler a", 5, 64)
    assert (task.steps, task.hires.scale) == (7, 1.5)


def test_old_names_of_sizes_and_samplers(interface):
    draw(interface, sampler_index="DDIM", enable_hr=True, firstphase_width=32, firstphase_height=32)
    task = interface.worker.tasks[0]
    assert (task.sampler, task.width, task.height) == ("DDIM", 32, 32)
    assert (task.hires.resize_x, task.hires.resize_y) == (64, 32)
    draw(interface, sampler_index="DDIM", sampler_name="Euler a")
    assert interface.worker.tasks[1].sampler == "Euler a"


def test_without_extra_networks(interface):
    draw(interface, prompt="a <lora:ink:0.5> cat", disable_extra_networks=True)
    assert interface.worker.tasks[0].prompt == "a  cat"


def test_a_job_with_an_id_of_its_own_is_found_under_it(interface):
    draw(interface, force_task_id="task(mine)")
    assert interface.get("/api/jobs/task(mine)")["state"] == "finished"
    draw(interface, force_task_id="task(mine)")
    assert len(interface.worker.tasks) == 2


def test_pictures_come_as_base64_or_as_data(interface):
    for first in (text(picture()), f"data:image/png;base64,{text(picture())}"):
        answer, info = draw(interface, "img2img", init_images=[first], denoising_strength=0.5)
        assert answer["parameters"]["init_images"] is None and info["denoising_strength"] == 0.5
    assert interface.worker.tasks[0].init.image == interface.worker.tasks[1].init.image == picture()
    answer, _ = draw(interface, "img2img", init_images=[text(picture())], include_init_images=True)
    assert answer["parameters"]["init_images"] == [text(picture())]
    _, info = draw(interface, "img2img", init_images=[text(picture())] * 3)
    assert info["warnings"] == ["init_images: the first of 3 pictures was used."]


def test_no_picture_is_404(interface):
    answer = interface.client.post("/sdapi/v1/img2img", json=SMALL)
    assert answer.status_code == 404 and "Init image not found" in answer.json()["errors"]


def test_a_failed_job_is_an_error_of_its_kind(interface):
    answer = interface.client.post("/sdapi/v1/txt2img", json=SMALL | {"prompt": "fail", "steps": 3})
    assert answer.status_code in (422, 500) and answer.json()["errors"]


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["host"], self.headers["user-agent"]))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/picture.png")
        else:
            self.send_response(200 if self.path == "/picture.png" else 404)
        self.end_headers()
        if self.path == "/picture.png":
            self.wfile.write(picture())

    def log_message(self, *args): ...


@pytest.fixture
def elsewhere(monkeypatch):
    """A server whose name counts as public."""

    async def public(url, field):
        return "127.0.0.1"

    monkeypatch.setattr(fetched_pictures, "_public", public)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_picture_is_fetched_from_its_address(interface, elsewhere):
    address = f"http://pictures.example:{elsewhere.server_port}"
    interface.services.settings.change(api_useragent="a test")
    draw(interface, "img2img", init_images=[f"{address}/moved"], mask=f"{address}/picture.png")
    assert interface.worker.tasks[0].init.image == interface.worker.tasks[0].init.inpaint.mask == picture()
    assert elsewhere.asked[0] == ("/moved", f"pictures.example:{elsewhere.server_port}", "a test")
    missing = interface.client.post("/sdapi/v1/img2img", json={"init_images": [f"{address}/nothing"]})
    assert missing.status_code == 422 and "answered 404" in missing.json()["errors"]
    interface.services.settings.change(api_enable_requests=False)
    off = interface.client.post("/sdapi/v1/img2img", json={"init_images": [f"{address}/picture.png"]})
    assert off.status_code == 422 and "api_enable_requests" in off.json()["errors"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "0.0.0.0"]
)
def test_nothing_is_fetched_from_private_networks(interface, host):
    answer = interface.client.post("/sdapi/v1/img2img", json={"init_images": [f"http://{host}:8/x.png"]})
    assert answer.status_code == 422 and "private network" in answer.json()["errors"]
