"""/sdapi/v1/progress, interrupt and skip, as clients poll them."""

import base64
import io

from PIL import Image

from sdui.core.request import LoadRequest
from tests.support.servers import wait_until


def test_idle_is_zero(interface):
    told = interface.get("/sdapi/v1/progress")
    assert (told["progress"], told["eta_relative"], told["current_image"], told["textinfo"]) == (0, 0, None, None)
    assert told["state"]["job"] == "" and told["state"]["job_count"] == 0
    assert interface.post("/sdapi/v1/interrupt") == {} and interface.post("/sdapi/v1/skip") == {}


def test_a_running_job_tells_how_far_it_is_and_what_it_looks_like(interface, drawing):
    told = interface.get("/sdapi/v1/progress")
    assert 0 < told["progress"] < 1 and told["eta_relative"] > 0 and told["textinfo"] == "Sampling"
    state = told["state"]
    assert state["job"] == "scripts_txt2img" and state["sampling_steps"] == 40 and 0 < state["sampling_step"] <= 40
    assert (state["job_no"], state["job_count"]) == (0, 3) and len(state["job_timestamp"]) == 14
    assert not (state["interrupted"] or state["skipped"] or state["stopping_generation"])
    assert Image.open(io.BytesIO(base64.b64decode(told["current_image"]))).size == (64, 64)
    assert interface.get("/sdapi/v1/progress", skip_current_image=True)["current_image"] is None


def test_skip_gives_up_one_picture_and_interrupt_the_rest(interface, drawing):
    interface.post("/sdapi/v1/skip")
    wait_until(lambda: interface.get("/sdapi/v1/progress")["state"]["job_no"] == 1)
    assert not drawing.view().images and not drawing.view().ended
    interface.post("/sdapi/v1/interrupt")
    wait_until(lambda: drawing.view().ended)
    assert drawing.view().state == "stopped" and interface.get("/sdapi/v1/progress")["progress"] == 0


def test_progress_is_never_zero_while_something_runs(interface):
    interface.worker.loaded.clear()
    job = interface.services.jobs.submit(LoadRequest(model="demo"), interface.settings)
    wait_until(lambda: job.view().progress)
    told = interface.get("/sdapi/v1/progress")
    assert told["progress"] == 0.01 and told["textinfo"] == "Loading demo" and told["state"]["job"] == "load"
    interface.worker.loaded.set()
