"""The cards' routes trust nothing that they are sent, and say what is wrong."""

import base64
import io
import json
import struct

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core.catalog import Catalog, Checkpoint
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import network_routes
from tests.support.fake_worker import FakeWorker

HAT = {"kind": "lora", "title": "sub/hat.safetensors"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "models" / "Lora" / "sub"
    folder.mkdir(parents=True)
    write(folder / "hat.safetensors", ss_output_name="Red Hat", ss_tag_frequency='{"1_a": {"hat": 2}}')
    return folder


@pytest.fixture
def services(tmp_path, folder):
    launch = Launch(data_dir=tmp_path)
    jobs = JobQueue([FakeWorker(launch=launch)], lambda image, preferences: None)
    yield Services(jobs, SettingsFile(tmp_path / "config.json"), launch)
    jobs.close()


@pytest.fixture
def client(services):
    app = FastAPI()
    app.include_router(network_routes.routes(services))
    return TestClient(app)


def write(path, **metadata):
    header = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def encoded(size=(4, 4), form="PNG", **how):
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, form, **how)
    return data.getvalue()


def cards(client, **wish):
    answer = client.get("/page/networks", params={"kind": "lora"} | wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


def replace(client, data, **file):
    return client.post("/page/networks/picture", json=HAT | file | {"picture": base64.b64encode(data).decode()})


def test_a_page_has_what_a_click_inserts(client, services, folder):
    (folder / "hat.json").write_text('{"activation text": "straw", "negative text": "rain", "description": "<b>"}')
    page = cards(client)
    (item,) = page["items"]
    assert (page["total"], page["folders"], page["separator"]) == (1, ["sub"], " ")
    assert item == {
        "title": "sub/hat.safetensors",
        "name": "hat",
        "description": "<b>",
        "picture": "",
        "tag": "<lora:Red Hat:1>",
        "words": "straw",
        "negative": "rain",
        "version": "SD1",
    }
    services.settings.change(
        extra_networks_default_multiplier=0.75, lora_preferred_name="Filename", extra_networks_add_text_separator=", "
    )
    page = cards(client)
    assert (page["items"][0]["tag"], page["separator"]) == ("<lora:hat:0.75>", ", ")


def test_the_preferred_weight_goes_before_the_default(client):
    client.post("/page/networks/notes", json=HAT | {"notes": {"preferred weight": 0.4}})
    assert cards(client)["items"][0]["tag"] == "<lora:Red Hat:0.4>"


def test_what_does_not_fit_the_checkpoint_is_left_out(client, services):
    def draw_with(family):
        services.jobs._workers[0].given = Catalog((Checkpoint("a", "a.safetensors", family),))

    for family, found in (("Stable Diffusion 1.x", 1), ("Stable Diffusion XL", 0), ("another", 1), ("", 1)):
        draw_with(family)
        assert cards(client, fits=True)["total"] == found, family
    assert cards(client)["total"] == 1


def test_an_empty_list_says_what_to_do(client, tmp_path):
    assert cards(client, search="<x")["empty"] == "No card is like this."
    assert f"Put files into {tmp_path / 'models' / 'hypernetworks'}" in cards(client, kind="hypernetwork")["empty"]


@pytest.mark.parametrize(
    "wish",
    [{"kind": "vae"}, {"offset": -1}, {"offset": "x"}, {"count": 0}, {"count": 10**6}, {"sort": "size"}, {"x": 1}],
)
def test_nonsense_is_refused(client, wish):
    assert client.get("/page/networks", params={"kind": "lora"} | wish).status_code == 422


def test_a_name_that_is_no_text_breaks_no_list(client, folder):
    (folder / "\udcff.safetensors").touch()
    assert cards(client, anew=True)["total"] == 2


@pytest.mark.parametrize(
    "title", ["../../../secret.safetensors", "/etc/passwd", "sub/../../secret", "sub", "", "hat.safetensors", "\0"]
)
def test_only_a_title_of_the_list_means_a_file(client, tmp_path, title):
    (tmp_path / "secret.safetensors").touch()
    (tmp_path / "secret.json").write_text("{}")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    where = {"kind": "lora", "title": title}
    assert client.get("/page/networks/file", params=where).status_code == 404
    assert client.get("/page/networks/picture", params=where).status_code == 404
    assert client.post("/page/networks/notes", json=where | {"notes": {"notes": "x"}}).status_code == 404
    assert replace(client, encoded(), title=title).status_code == 404
    after = {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and "cache" not in str(path)
    }
    assert after == {path: time for path, time in before.items() if "cache" not in str(path)}


def test_the_dialogs_see_what_is_in_the_file_and_beside_it(client, folder):
    (folder / "hat.json").write_text('{"sd version": "SD2", "vae": "x", "other": 1}')
    file = client.get("/page/networks/file", params=HAT).json()
    assert (file["path"], file["tags"]) == (str(folder / "hat.safetensors"), {"hat": 2})
    assert file["metadata"]["ss_output_name"] == "Red Hat"
    assert list(file["notes"]) == [*network_routes.NOTED["lora"]]
    assert file["notes"]["sd version"] == "SD2"


class TestNotes:
    def test_they_are_written_and_foreign_keys_kept(self, client, folder):
        (folder / "hat.json").write_text('{"other": [1], "notes": "old", "description": "stays"}')
        answer = client.post("/page/networks/notes", json=HAT | {"notes": {"notes": "new", "activation text": "straw"}})
        assert answer.json()["words"] == "straw"
        assert json.loads((folder / "hat.json").read_text()) == {
            "other": [1],
            "notes": "new",
            "description": "stays",
            "activation text": "straw",
        }

    @pytest.mark.parametrize(
        "notes", [{"preferred weight": 3}, {"preferred weight": "x"}, {"sd version": "SD9"}, {"vae": "x"}, {"x": 1}]
    )
    def test_what_cannot_be_noted_is_refused(self, client, folder, notes):
        answer = client.post("/page/networks/notes", json=HAT | {"notes": notes})
        assert answer.status_code == 422
        assert not (folder / "hat.json").exists()

    def test_broken_json_is_left_alone_and_told_of(self, client, folder):
        (folder / "hat.json").write_text("{broken")
        answer = client.post("/page/networks/notes", json=HAT | {"notes": {"notes": "new"}})
        assert answer.status_code == 422
        assert "hat.json is damaged and was left alone" in answer.json()["detail"]
        assert (folder / "hat.json").read_text() == "{broken"
        assert cards(client)["total"] == 1

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    def test_other_sites_cannot_send_them(self, client, folder, kind):
        body = json.dumps(HAT | {"notes": {"notes": "new"}})
        answer = client.post("/page/networks/notes", content=body, headers={"content-type": kind})
        assert answer.status_code == 415
        assert not (folder / "hat.json").exists()


class TestPictures:
    def test_one_is_served_small_and_kept_by_the_browser(self, client, folder):
        (folder / "hat.png").write_bytes(encoded((1024, 2048)))
        version = cards(client)["items"][0]["picture"]
        answer = client.get("/page/networks/picture", params=HAT | {"v": version})
        assert answer.headers["content-type"] == "image/webp"
        assert Image.open(io.BytesIO(answer.content)).size == (384, 768)
        assert "immutable" in answer.headers["cache-control"]
        headers = {"if-none-match": answer.headers["etag"]}
        assert client.get("/page/networks/picture", params=HAT, headers=headers).status_code == 304
        assert "no-cache" in client.get("/page/networks/picture", params=HAT).headers["cache-control"]

    def test_what_is_no_picture_is_not_served(self, client, folder):
        (folder / "hat.png").write_text("<script>")
        assert client.get("/page/networks/picture", params=HAT).status_code == 404

    def test_a_png_is_kept_with_its_text_and_others_become_one(self, client, folder):
        text = PngInfo()
        text.add_text("parameters", "a hat")
        png = encoded(pnginfo=text)
        before = cards(client)["items"][0]["picture"]
        assert replace(client, png).json()["picture"] not in ("", before)
        assert (folder / "hat.preview.png").read_bytes() == png
        replace(client, encoded(form="JPEG"))
        assert (folder / "hat.preview.png").read_bytes().startswith(b"\x89PNG")
        assert {path.name for path in folder.iterdir()} == {"hat.safetensors", "hat.preview.png"}

    @pytest.mark.parametrize("data", [b"", b"<svg/>", encoded()[:40]])
    def test_what_is_no_picture_is_not_written(self, client, folder, data):
        answer = replace(client, data)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("Preview: ")
        assert not (folder / "hat.preview.png").exists()

    def test_only_base64_is_taken(self, client):
        answer = client.post("/page/networks/picture", json=HAT | {"picture": "/etc/passwd!"})
        assert (answer.status_code, answer.json()["detail"]) == (422, "Preview: send the picture in base64.")
