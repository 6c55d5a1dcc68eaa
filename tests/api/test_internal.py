"""/internal: how far one job is, what waits, and what the server says of itself."""

import base64

import pytest

from tests.support.servers import wait_until


def progress(interface, job_id, **more):
    return interface.post("/internal/progress", {"id_task": job_id} | more)


def test_a_job_is_followed_by_its_id(interface, drawing):
    waiting = interface.services.jobs.submit(drawing.task, interface.settings)
    told = progress(interface, drawing.id)
    assert told["active"] and not told["queued"] and not told["completed"] and 0 < told["progress"] < 1
    assert told["eta"] > 0 and told["textinfo"] == "Sampling"
    assert base64.b64decode(told["live_preview"].removeprefix("data:image/jpeg;base64,"))[:2] == b"\xff\xd8"
    queued = progress(interface, waiting.id)
    assert queued["queued"] and not queued["active"] and queued["textinfo"] == "In queue: 1/1"
    assert interface.get("/internal/pending-tasks") == {"size": 1, "tasks": [waiting.id]}
    interface.services.jobs.stop(waiting)
    interface.services.jobs.stop(drawing)
    wait_until(lambda: drawing.view().ended)
    assert progress(interface, drawing.id)["completed"]
    assert interface.get("/internal/pending-tasks") == {"size": 0, "tasks": []}


def test_a_preview_that_was_seen_is_not_sent_again(interface, drawing):
    drawing.stop.request(3)
    wait_until(lambda: drawing.view().ended)
    interface.worker.pace = 30
    job = interface.services.jobs.submit(drawing.task.model_copy(update={"steps": 9}), interface.settings)
    wait_until(lambda: job.view().preview)
    first = progress(interface, job.id)
    assert first["live_preview"] and progress(interface, job.id, live_preview=False)["live_preview"] is None
    again = progress(interface, job.id, id_live_preview=first["id_live_preview"])
    assert again["live_preview"] is None and again["id_live_preview"] == first["id_live_preview"]
    interface.services.jobs.stop(job)
    interface.worker.close()


def test_of_a_job_that_is_not_known_nothing_is_true(interface):
    for job_id in ("nobody", None):
        told = progress(interface, job_id)
        assert (told["active"], told["queued"], told["completed"]) == (False, False, False)


def test_the_server_tells_of_itself(interface):
    assert interface.get("/internal/ping") == {}
    assert interface.get("/internal/profile-startup") == {"total": 1.5, "records": {"page": 1.5}}
    hints = {one["name"]: one["label"] for one in interface.get("/internal/quicksettings-hint")}
    assert hints["CLIP_stop_at_last_layers"] == "Clip skip" and "sd_model_checkpoint" in hints


def test_the_report_can_be_read_and_downloaded(interface):
    shown = interface.client.get("/internal/sysinfo")
    assert shown.json()["Versions"] == {"version": "0.0"} and "content-disposition" not in shown.headers
    assert "attachment" in interface.client.get("/internal/sysinfo-download").headers["content-disposition"]


@pytest.mark.parametrize(
    "body", ['{"id_task": NaN}', '{"id_live_preview": 1e400}', '{"id_live_preview": "\\ud800"}', "1"]
)
def test_what_is_of_the_wrong_form_is_refused_even_where_it_cannot_be_repeated(interface, body):
    answer = interface.client.post("/internal/progress", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"][0] == "body" and answer.json()["errors"]
