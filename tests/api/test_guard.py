"""Who gets an answer: accounts, other sites, sizes. On the whole server, page included, and on each of its routes."""

from __future__ import annotations

import asyncio
import base64
import re
from contextlib import closing

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from starlette.routing import Mount
from starlette.websockets import WebSocketDisconnect

from sdui import app
from sdui.api import accounts, guard
from sdui.api.accounts import access_of
from sdui.core.errors import LaunchError
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.history.history import History
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.fake_worker import FakeWorker

OPEN = {"listen": True, "api_auth": "ann:of:api", "gradio_auth": "paul:p1, pia:p2", "api_server_stop": True}
EVIL = {"origin": "http://evil.example"}
LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def guarded(base_url: str = "http://127.0.0.1:7860", **flags) -> TestClient:
    """A server whose every route tells what it got."""
    inner = FastAPI(docs_url=None, openapi_url=None, redoc_url=None)

    async def told(request: Request):
        return {"size": len(await request.body()), "root": request.scope["root_path"]}

    async def talk(websocket: WebSocket):
        await websocket.accept()
        await websocket.close()

    inner.add_api_websocket_route("/{path:path}", talk)
    methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
    inner.add_api_route("/{path:path}", told, methods=methods)
    launch = Launch(**flags)
    return TestClient(guard.protect(inner, launch, access_of(launch)), base_url)


async def build(services: Services) -> FastAPI:
    return app.build(services)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All of sdui, open to the network."""
    folder = tmp_path_factory.mktemp("open")
    launch = Launch(data_dir=folder, **OPEN)
    with (
        closing(JobQueue([FakeWorker()], lambda image, preferences: None)) as jobs,
        closing(History(folder, folder / "cache", lambda: [])) as history,
    ):
        yield asyncio.run(build(Services(jobs, SettingsFile(folder / "config.json"), launch, history=history)))


def table(routes, prefix=""):
    """Every method and path, those of Gradio too, with something in the place of parameters."""
    for route in routes:
        if isinstance(route, Mount):
            yield from (
                table(route.routes, prefix + route.path) if route.routes else [("GET", f"{prefix}{route.path}/x")]
            )
        elif hasattr(route, "original_router"):
            yield from table(route.original_router.routes, prefix + route.include_context.prefix)
        else:
            path = re.sub(r"{[^}]*}", "x", prefix + route.path)
            yield from ((method, path) for method in {*(route.methods or ()), "HEAD", "OPTIONS"})


def test_no_route_of_an_open_server_answers_strangers_and_each_lets_its_account_through(whole):
    found = set(table(whole.routes))
    paths = {path for _, path in found}
    assert {"/", "/config", "/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/file=x"} <= paths
    assert {"/ui/x", "/docs", "/openapi.json", "/page/start", "/page/networks/picture", "/internal/ping"} <= paths
    assert {"/sdapi/v1/txt2img", "/sdapi/v1/interrogate", "/api/jobs", "/api/jobs/x/events"} <= paths
    assert {"/sdapi/v1/server-kill", "/page/history/x/picture"} <= paths
    strangers, guests = TestClient(whole, "http://192.168.1.5:7860"), guarded(**OPEN)
    for method, path in sorted(found):
        answer = strangers.request(method, path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="sdui"'), (method, path)
        own = (
            "ann:of:api"
            if path.startswith(("/sdapi", "/api/", "/v1/", "/docs", "/redoc", "/openapi.json"))
            else "pia:p2"
        )
        assert guests.request(method, path, headers=basic(own)).status_code == 200, (method, path)


def test_a_refusal_is_json_as_a1111s_is(whole):
    client = TestClient(whole, "http://192.168.1.5:7860")
    assert client.get("/config").json() == {"detail": "Not authenticated"}
    assert client.get("/config", headers=basic("ann:no")).json() == {"detail": "Incorrect username or password"}


@pytest.mark.parametrize(
    ("path", "known", "unknown"),
    [
        (
            "/sdapi/v1/options",
            ["ann:of:api"],
            ["paul:p1", "ann:", "ann", ":of:api", "ann:of", "ANN:of:api", "né:é"],
        ),
        ("/v1/images/generations", ["ann:of:api"], ["paul:p1"]),
        ("/", ["paul:p1", "pia:p2"], ["ann:of:api", "paul:p2"]),
        ("/gradio_api/upload", ["paul:p1"], ["ann:of:api"]),
        ("/internal/sysinfo", ["paul:p1", "ann:of:api"], ["paul:of:api"]),
        ("/sdapi-other", ["paul:p1"], ["ann:of:api"]),
    ],
)
def test_each_side_has_its_accounts(path, known, unknown):
    client = guarded(**OPEN)
    assert {client.get(path, headers=basic(one)).status_code for one in known} == {200}
    assert {client.get(path, headers=basic(one)).status_code for one in unknown} == {401}


def test_a_key_of_an_openai_client_is_a_password_or_an_account():
    client = guarded(**OPEN)

    def status(value: str) -> int:
        return client.get("/v1/models", headers={"authorization": value}).status_code

    assert [status(f"Bearer {key}") for key in ("of:api", "ann:of:api")] == [200, 200]
    wrong = ["Bearer ann", "Bearer", "Bearer ", "Basic of:api", "Digest of:api", "of:api", "Basic !", "Bearer p1", ""]
    assert {status(value) for value in wrong} == {401}


def test_passwords_are_compared_in_constant_time_and_all_of_them(monkeypatch):
    compared = []
    really = accounts.secrets.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return really(one, other)

    monkeypatch.setattr(accounts.secrets, "compare_digest", counted)
    client = guarded(**OPEN)
    for given, status in (("paul:p1", 200), ("nobody:x", 401)):
        compared.clear()
        assert client.get("/", headers=basic(given)).status_code == status
        assert compared == [(given.encode(), b"paul:p1"), (given.encode(), b"pia:p2")]


def test_websockets_are_refused_too():
    client = guarded(**OPEN)
    for headers in ({}, basic("paul:p1") | EVIL):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/page", headers=headers):
            pass
    own = {"origin": "http://127.0.0.1:7860", "host": "127.0.0.1:7860"}
    with client.websocket_connect("/page", headers=basic("paul:p1") | own):
        pass


@pytest.mark.parametrize(
    ("flags", "page", "api"),
    [
        ({}, 200, 200),
        ({"api_auth": "a:b"}, 200, 401),
        ({"gradio_auth": "a:b"}, 401, 200),
        ({"server_name": "127.0.0.1"}, 200, 200),
        ({"server_name": "::1"}, 200, 200),
        ({"listen": True, "server_name": "localhost"}, 200, 200),
        ({"listen": True}, 401, 401),
        ({"listen": True, "api_auth": "a:b"}, 401, 401),
        ({"server_name": "::"}, 401, 401),
        ({"server_name": "box.lan", "gradio_auth": "a:b"}, 401, 401),
        ({"share": True}, 401, 401),
        ({"nowebui": True, "api_auth": "a:b"}, 401, 401),
    ],
)
def test_accounts_are_asked_for_where_they_are_given_or_the_server_is_open(flags, page, api):
    client = guarded(**flags)
    assert (client.get("/").status_code, client.get("/sdapi/v1/options").status_code) == (page, api)
    assert client.get("/internal/ping").status_code == page


def test_a_side_without_accounts_takes_the_others_on_an_open_server():
    for flag in ("api_auth", "gradio_auth"):
        client = guarded(listen=True, **{flag: "a:b"})
        assert [client.get(path, headers=basic("a:b")).status_code for path in ("/", "/sdapi/v1/x")] == [200, 200]


def test_accounts_are_read_from_a_file(tmp_path):
    file = tmp_path / "accounts.txt"
    file.write_text("paul:p1\n\npia:p2 , po:p3\n")
    client = guarded(gradio_auth="eve:p0", gradio_auth_path=file)
    for known in ("eve:p0", "paul:p1", "pia:p2", "po:p3"):
        assert client.get("/", headers=basic(known)).status_code == 200
    assert client.get("/", headers=basic(":")).status_code == 401


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"api_auth": "a:b,hidden"}, "--api-auth: user:password is needed.*number 2"),
        ({"gradio_auth": "hidden:"}, "--gradio-auth: user:password"),
        ({"gradio_auth_path": "/nowhere"}, "--gradio-auth-path /nowhere cannot be read: No such file"),
    ],
)
def test_accounts_that_cannot_be_read_are_named_but_not_repeated(flags, told):
    with pytest.raises(LaunchError, match=told) as caught:
        access_of(Launch(**flags))
    assert "hidden" not in str(caught.value)


def test_secrets_do_not_show_when_options_or_accounts_are_printed():
    launch = Launch(**OPEN)
    assert not re.search("of:api|p1", repr(launch) + str(launch) + repr(access_of(launch)))


def test_secrets_are_not_told_to_those_who_are_let_in(whole):
    answer = TestClient(whole, "http://192.168.1.5:7860").get("/internal/sysinfo", headers=basic("pia:p2"))
    told = answer.json()["Start options"]
    assert told["listen"] is True and told["api_server_stop"] is True
    assert not re.search("of:api|paul|:p1", answer.text)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "127.0.0.2"])
def test_this_machine_is_answered_by_any_of_its_names(host):
    client = guarded()
    for port in ("", ":80", ":7860"):
        assert client.get("/", headers={"host": host + port}).status_code == 200


BENT = ("evil.example", "evil.example:7860", "localhost.evil.example", "192.168.1.5", "[", "x@127.0.0.1")


@pytest.mark.parametrize("host", BENT)
def test_names_that_were_bent_to_this_machine_are_refused(host):
    answer = guarded().get("/", headers={"host": host})
    assert answer.status_code == 403 and "--cors-allow-origins" in answer.json()["detail"]
    assert guarded(listen=True).get("/", headers={"host": host}).status_code == 401


def test_a_proxys_name_is_answered_when_it_is_allowed():
    client = guarded(cors_allow_origins="https://draw.example, http://localhost:3000/")
    assert client.get("/", headers={"host": "draw.example"}).status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    client = guarded(cors_allow_origins_regex=r"https://\w+\.draw\.example")
    assert client.get("/", headers={"host": "a.draw.example"}).status_code == 200
    assert client.get("/", headers={"host": "a.draw.example.evil"}).status_code == 403
    assert guarded(cors_allow_origins="*").get("/", headers={"host": "any.example"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        EVIL,
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "https://127.0.0.1:7860"},
        {"origin": "http://127.0.0.1:7860.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        LINK | {"sec-fetch-site": "cross-site", "origin": "null"},
    ],
)
def test_other_sites_cannot_make_a_browser_ask(method, headers):
    answer = guarded().request(method, "/sdapi/v1/options", headers=headers)
    assert answer.status_code == 403
    assert method == "HEAD" or "--cors-allow-origins" in answer.json()["detail"]


def test_a_link_on_another_site_opens_the_page_and_does_nothing_else():
    client, headers = guarded(), LINK | {"sec-fetch-site": "cross-site"}
    assert client.get("/", headers=headers).status_code == 200
    assert client.post("/", headers=headers | EVIL).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:7860"},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:7860"},
        {"sec-fetch-site": "none"},
        {"x-forwarded-proto": "https", "origin": "https://127.0.0.1:7860"},
        {"x-forwarded-host": "draw.example", "x-forwarded-proto": "https", "origin": "https://draw.example"},
        {"sec-fetch-site": "same-origin", "origin": "https://127.0.0.1:7860"},
    ],
)
def test_the_page_and_programs_are_answered(headers):
    assert guarded().post("/sdapi/v1/options", headers=headers).status_code == 200


def test_allowed_sites_may_ask_with_an_account():
    client = guarded(**OPEN, cors_allow_origins="https://one.example", cors_allow_origins_regex="http://localhost:.+")
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin in ("https://one.example", "http://localhost:3000"):
        headers = {"origin": origin, "sec-fetch-site": "cross-site"}
        before = client.options("/sdapi/v1/txt2img", headers=headers | asking)
        assert before.status_code == 200 and before.headers["access-control-allow-origin"] == origin
        assert before.headers["access-control-allow-headers"] == "authorization"
        for known, status in (("ann:of:api", 200), ("ann:x", 401)):
            answer = client.post("/sdapi/v1/txt2img", headers=headers | basic(known))
            assert answer.status_code == status and answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true"
    assert client.options("/sdapi/v1/txt2img", headers=EVIL | asking).status_code == 403


def test_everybody_may_ask_with_a_star_but_not_with_what_a_browser_remembers():
    answer = guarded(cors_allow_origins="*").post("/sdapi/v1/txt2img", headers=EVIL)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"cors_allow_origins": "one.example"}, "--cors-allow-origins: one.example is no origin"),
        ({"cors_allow_origins": "https://one.example/path"}, "--cors-allow-origins: https://one.example/path"),
        ({"cors_allow_origins_regex": "("}, "--cors-allow-origins-regex is no regular expression"),
    ],
)
def test_origins_that_cannot_be_are_named(flags, told):
    with pytest.raises(LaunchError, match=told):
        guarded(**flags)


def test_large_requests_are_refused_and_the_next_is_answered():
    client = guarded(max_request_mb=1)
    chunks = (b"x" * 100_000 for _ in range(11))
    for content in (b"x" * 1_000_001, chunks):
        answer = client.post("/sdapi/v1/img2img", content=content)
        assert answer.status_code == 413 and "--max-request-mb" in answer.json()["detail"]
        assert client.post("/sdapi/v1/img2img", content=b"x" * 1_000_000).json()["size"] == 1_000_000


def test_answers_of_the_api_tell_how_long_they_took():
    client = guarded()
    assert 0 <= float(client.get("/sdapi/v1/options").headers["x-process-time"]) < 10
    assert "x-process-time" not in client.get("/").headers


def test_everything_is_below_the_subpath_with_a_proxy_that_passes_it_on_and_one_that_does_not():
    client = guarded(subpath="tools/sdui/", api_auth="a:b")
    for path in ("/sdapi/v1/options", "/tools/sdui/sdapi/v1/options"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=basic("a:b")).json()["root"] == "/tools/sdui"
    assert client.get("/tools/sdui/").status_code == 200


@pytest.mark.parametrize(
    ("flags", "installable"),
    [
        ({}, True),
        ({"listen": True}, False),
        ({"share": True}, False),
        ({"server_name": "192.168.1.5"}, False),
        ({"listen": True, "enable_insecure_extension_access": True}, True),
    ],
)
def test_extensions_are_not_installed_from_afar_unless_that_is_wanted(flags, installable):
    assert Launch(**flags).extensions_installable is installable
