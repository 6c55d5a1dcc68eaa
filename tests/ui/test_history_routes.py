"""What the History tab's JavaScript may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.history.history import History
from sdui.ui import history_routes

TEXT = "a red <b>apple</b>\nSteps: 20, Sampler: Euler a, Seed: 41, Size: 8x8, Model: demo"
JSON = {"json": {}}


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "outputs" / "day" / "1.png"
    path.parent.mkdir(parents=True)
    chunks = PngInfo()
    chunks.add_text("parameters", TEXT)
    Image.new("RGB", (1000, 500), (200, 0, 0)).save(path, pnginfo=chunks)
    return path


@pytest.fixture
def client(tmp_path, picture):
    history = History(tmp_path, tmp_path / "cache", lambda: [tmp_path / "outputs"], Path.unlink)
    history.scan()
    app = FastAPI()
    app.include_router(history_routes.routes(history))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
    history.close()


@pytest.fixture
def url(client) -> str:
    """Of the one picture."""
    (item,) = client.get("/page/history").json()["items"]
    return f"/page/history/{item['id']}"


def test_a_page_of_the_list(client):
    answer = client.get("/page/history", params={"q": "apple seed:41", "offset": 0, "count": 10}).json()
    (item,) = answer["items"]
    assert answer["total"] == 1 and answer["reading"] is None
    assert {name: item[name] for name in ("name", "width", "height", "favourite")} == {
        "name": "1.png",
        "width": 1000,
        "height": 500,
        "favourite": False,
    }
    assert client.get("/page/history", params={"offset": 1}).json()["items"] == []


@pytest.mark.parametrize("given", [{"offset": -1}, {"count": 0}, {"count": 501}, {"offset": "x"}, {"offset": 10**12}])
def test_places_out_of_range_are_refused(client, given):
    assert client.get("/page/history", params=given).status_code == 422


def test_a_search_that_means_nothing_is_told(client):
    answer = client.get("/page/history", params={"q": "seed:x"})
    assert answer.status_code == 422 and answer.json()["detail"].startswith("seed: x is no seed")


def test_a_picture_tells_of_itself_without_being_html(client, url):
    told = client.get(url).json()
    assert told["folder"] == "outputs/day" and told["parameters"] and told["bytes"] > 0
    assert "a red &lt;b&gt;apple&lt;/b&gt;" in told["html"] and "Seed:</b> 41" in told["html"]


def test_thumbnails_are_small_and_stay_in_the_browser(client, url, picture):
    first = client.get(f"{url}/thumbnail")
    assert first.headers["content-type"] == "image/webp" and first.content[8:12] == b"WEBP"
    assert len(first.content) < 3000 and "immutable" in first.headers["cache-control"]
    again = client.get(f"{url}/thumbnail", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""


def test_the_full_picture_is_the_very_file(client, url, picture):
    answer = client.get(f"{url}/picture")
    assert answer.content == picture.read_bytes() and answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "inline" in answer.headers["content-disposition"] and "1.png" in answer.headers["content-disposition"]
    assert client.get(f"{url}/picture", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("id", ["0" * 16, "f" * 16])
@pytest.mark.parametrize("what", ["", "/thumbnail", "/picture"])
def test_an_unknown_picture_is_not_found(client, id, what):
    answer = client.get(f"/page/history/{id}{what}")
    assert answer.status_code == 404 and "search again" in answer.json()["detail"]


@pytest.mark.parametrize("id", ["..%2f..%2fetc%2fpasswd", "1", "%2e%2e", "outputs%2fday%2f1.png", "0" * 15 + "g"])
@pytest.mark.parametrize("what", ["", "/thumbnail", "/picture"])
def test_no_path_names_a_picture(client, id, what):
    assert client.get(f"/page/history/{id}{what}").status_code in (404, 405, 422)


def test_a_picture_outside_of_the_folders_is_not_found(client, url, picture, tmp_path):
    (tmp_path / "outputs" / "day").rename(tmp_path / "elsewhere")
    (tmp_path / "outputs" / "day").symlink_to(tmp_path / "elsewhere")
    for what in ("", "/thumbnail", "/picture"):
        assert client.get(url + what).status_code == 404
    assert client.post(f"{url}/delete", **JSON).status_code == 404


def test_a_favourite_is_not_deleted(client, url, picture):
    assert client.post(f"{url}/favourite", json={"favourite": True}).status_code == 200
    refused = client.post(f"{url}/delete", **JSON)
    assert refused.status_code == 422 and "1.png is a favourite" in refused.json()["detail"]
    assert picture.exists()
    client.post(f"{url}/favourite", json={"favourite": False})
    assert client.post(f"{url}/delete", **JSON).status_code == 200
    assert not picture.exists() and client.get("/page/history").json()["total"] == 0
    assert client.post(f"{url}/delete", **JSON).status_code == 404


@pytest.mark.parametrize("path", ["/delete", "/favourite"])
def test_other_sites_cannot_send_what_changes_something(client, url, picture, path):
    """Without asking first a browser sends forms and plain text to other sites, and no JSON."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {"content-type": kind} if kind else {}
        answer = client.post(url + path, content=b'{"favourite": true}', headers=headers)
        assert answer.status_code == 422, kind
    assert client.get(url + path).status_code == 405
    assert picture.exists() and not client.get(url).json()["favourite"]


@pytest.mark.parametrize("body", [None, [], {"favourite": "perhaps"}, {}])
def test_a_star_is_given_or_taken(client, url, body):
    assert client.post(f"{url}/favourite", json=body).status_code == 422


def test_a_damaged_picture_is_listed_and_has_no_thumbnail(tmp_path, picture):
    picture.write_bytes(picture.read_bytes()[:100])
    history = History(tmp_path, tmp_path / "cache", lambda: [tmp_path / "outputs"], Path.unlink)
    history.scan()
    app = FastAPI()
    app.include_router(history_routes.routes(history))
    with TestClient(app) as client:
        (item,) = client.get("/page/history").json()["items"]
        answer = client.get(f"/page/history/{item['id']}/thumbnail")
        assert answer.status_code == 422 and "1.png: this picture is damaged" in answer.json()["detail"]
        assert client.get(f"/page/history/{item['id']}").status_code == 200
    history.close()
