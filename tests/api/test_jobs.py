"""/api/jobs: asked for now, followed, changed, cancelled and fetched by id."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from sdui.api.webhooks import Webhooks
from sdui.core.errors import RequestError
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.settings import Preferences
from sdui.jobs.job import Job
from tests.support.api import serving
from tests.support.fake_worker import FakeWorker


@pytest.fixture
def worker():
    return FakeWorker()


@pytest.fixture
def api(tmp_path, worker):
    with serving(tmp_path, worker) as api:
        yield api


@pytest.fixture
def client(api):
    return api.client


def submit(client, headers=None, **fields):
    about = {name: fields.pop(name) for name in ("priority", "webhook") if name in fields}
    answer = client.post(
        "/api/jobs", json={"request": {"steps": 2, "width": 64, "height": 64} | fields} | about, headers=headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def ended(client, job):
    told = events(client, job)
    return told[-1][2]


def events(client, job, last=None):
    """(name, id, data) of each, to the end."""
    answer = client.get(job["events"], headers={"Last-Event-ID": last} if last else {})
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = []
    for block in answer.text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in lines:
            told.append((lines["event"], lines.get("id"), json.loads(lines["data"])))
    return told


@pytest.fixture
def busy(worker, client):
    """The worker waits in a job until the block ends; what is asked for then waits."""
    worker.loaded.clear()

    def hold(api):
        job = api.services.jobs.submit(LoadRequest(model="x"), Preferences())
        wait_for(lambda: job.view().state == "running")

    yield hold
    worker.loaded.set()


def test_a_job_is_answered_at_once_and_its_pictures_are_fetched_later(client):
    job = submit(client, prompt="a cat", seed=5, batch_count=2)
    assert len(job["id"]) == 32 and job["kind"] == "GenerationRequest" and job["client"] == "testclient"
    done = ended(client, job)
    assert done["state"] == "finished" and [one["seed"] for one in done["images"]][:2] == [5, 6]
    assert done["images"][0]["infotext"].startswith("a cat\nSteps: 2")
    picture = client.get(done["images"][0]["url"])
    assert Image.open(io.BytesIO(picture.content)).size == (64, 64) and picture.headers["content-type"] == "image/png"
    shown = client.get(f"/api/jobs/{job['id']}").json()
    assert shown["request"]["prompt"] == "a cat" and shown["images"] == done["images"]


def test_events_tell_of_progress_previews_and_pictures(client, worker):
    worker.pace = 0.01
    names = [name for name, _, _ in events(client, submit(client, prompt="a cat", steps=5))]
    assert names[0] == "job" and names[-1] == "finished"
    assert {"started", "progress", "image"} <= set(names)


def test_a_stream_goes_on_where_it_was_cut(client):
    job = submit(client, prompt="a cat", batch_count=3)
    ended(client, job)
    told = events(client, job)
    cut = next(at for at, (name, _, _) in enumerate(told) if name == "image")
    again = events(client, job, told[cut][1])
    assert again == told[cut + 1 :] and "image" in [name for name, _, _ in again]
    assert events(client, job, "another-start-77") == events(client, job)


def test_waiting_jobs_are_listed_in_their_order_and_clients_take_turns(client, api, busy):
    busy(api)
    for name in ("a", "a", "b"):
        submit(client, {"X-Client-Id": name}, prompt=name)
    urgent = submit(client, prompt="urgent", priority=5)
    waiting = client.get("/api/jobs", params={"state": "queued"}).json()["jobs"]
    assert [(job["client"], job["position"]) for job in waiting] == [("testclient", 0), ("a", 1), ("b", 2), ("a", 3)]
    assert waiting[0]["id"] == urgent["id"]
    assert len(client.get("/api/jobs", params={"limit": 2}).json()["jobs"]) == 2


def test_a_waiting_job_is_changed_and_moved(client, api, busy):
    busy(api)
    first, second = submit(client, prompt="first"), submit(client, prompt="second", hires={"scale": 2})
    changed = client.patch(
        f"/api/jobs/{second['id']}", json={"request": {"seed": 9, "hires": {"steps": 3}}, "place": 0}
    )
    assert changed.json()["position"] == 0
    request = client.get(f"/api/jobs/{second['id']}").json()["request"]
    assert (request["prompt"], request["seed"], request["hires"]["steps"]) == ("second", 9, 3)
    assert client.patch(f"/api/jobs/{first['id']}", json={"priority": 1}).json()["position"] == 0
    wrong = client.patch(f"/api/jobs/{first['id']}", json={"request": {"steps": 0}})
    assert wrong.status_code == 422 and "Sampling steps: 0 is too small" in wrong.json()["errors"]


def test_what_runs_or_has_ended_cannot_be_changed(client):
    job = submit(client, prompt="a cat")
    ended(client, job)
    answer = client.patch(f"/api/jobs/{job['id']}", json={"priority": 3})
    assert answer.status_code == 409


def test_a_waiting_and_a_running_job_are_cancelled(client, api, worker):
    worker.pace = 0.02
    running, waiting = submit(client, prompt="a", steps=500), submit(client, prompt="b")
    assert client.delete(f"/api/jobs/{waiting['id']}").json()["state"] == "stopped"
    client.delete(f"/api/jobs/{running['id']}")
    assert ended(client, running)["state"] == "stopped"
    assert client.delete(f"/api/jobs/{running['id']}").json()["state"] == "stopped"


def test_a_job_that_fails_says_why(client):
    done = ended(client, submit(client, prompt="fail"))
    assert done["state"] == "failed" and done["error"]


def test_what_is_not_there_is_404(client):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/images/0")):
        assert client.request(method, f"/api/jobs/nothing{path}").status_code == 404
    job = submit(client, prompt="a cat")
    ended(client, job)
    assert client.get(f"/api/jobs/{job['id']}/images/99").status_code == 404
    assert client.get(f"/api/jobs/{job['id']}/images/-1").status_code == 404


def test_a_wrong_request_names_its_field(client):
    answer = client.post("/api/jobs", json={"request": {"steps": 0}})
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "request", "steps"]
    assert client.post("/api/jobs", json={"request": {}, "nonsense": 1}).status_code == 422


def test_settings_stand_where_the_request_says_nothing(client, api, worker):
    api.services.settings.change(CLIP_stop_at_last_layers=2, sd_model_checkpoint="demo")
    ended(client, submit(client, prompt="a"))
    ended(client, submit(client, prompt="b", clip_skip=1, model="large"))
    assert [(task.clip_skip, task.model) for task in worker.tasks] == [(2, "demo"), (1, "large")]


def test_a_picture_to_start_from_is_not_sent_back(client):
    data = io.BytesIO()
    Image.new("RGB", (64, 64)).save(data, "PNG")
    job = submit(client, prompt="a", init={"image": base64.b64encode(data.getvalue()).decode()})
    assert client.get(f"/api/jobs/{job['id']}").json()["request"]["init"]["image"] == ""


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(500 if len(self.server.got) < self.server.fails else 200)
        self.end_headers()

    def log_message(self, *args): ...


@pytest.fixture
def hook():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got, server.fails = [], 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_an_allowed_host_is_told_of_the_end(tmp_path, worker, hook):
    host = f"127.0.0.1:{hook.server_port}"
    with serving(tmp_path, worker, Launch(data_dir=tmp_path, webhook_host=(host,))) as api:
        job = submit(api.client, prompt="a cat", webhook=f"http://{host}/done")
        ended(api.client, job)
        wait_for(lambda: hook.got)
    assert (hook.got[0]["id"], hook.got[0]["state"]) == (job["id"], "finished") and hook.got[0]["images"]


def test_a_webhook_is_tried_again(hook):
    hook.fails = 2
    host = f"127.0.0.1:{hook.server_port}"
    Webhooks([host], pause=0.01).ended(Job(GenerationRequest(), Preferences(), webhook=f"http://{host}/x"))
    wait_for(lambda: len(hook.got) == 2)


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/",
        "ftp://good.example/",
        "good.example",
        "http://good.example:81/",
        "http://good.example@evil.example/",
        "http://[",
    ],
)
def test_other_hosts_are_refused(address):
    with pytest.raises(RequestError, match="webhook"):
        Webhooks(["good.example:80"]).check(address)


def test_a_refused_webhook_makes_no_job(client):
    answer = client.post("/api/jobs", json={"request": {"prompt": "a"}, "webhook": "http://evil.example/"})
    assert answer.status_code == 422 and "--webhook-host" in answer.json()["errors"]
    assert client.get("/api/jobs").json()["jobs"] == []
