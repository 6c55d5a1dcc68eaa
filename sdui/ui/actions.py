"""The Settings tab's page "Actions": what is done at once instead of being stored."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.request import HashRequest, LoadRequest, Task, UnloadRequest
from sdui.jobs.job import View
from sdui.services import Services

from . import markup
from .form import Updates
from .modules import imported
from .results import QUIET

_PERIOD = 0.5
"""Seconds between two looks at the job."""
_ASK = f"async () => (await {imported('settings')}).askForNotifications()"
_DOWNLOAD = "() => { window.location.assign('page/localization-template'); return []; }"
_HINT = (
    "Model files are hashed one after the other: two at a time would read slower from most disks. Without "
    "--no-hashing the server does it by itself when it has nothing else to do."
)


def build(services: Services) -> None:
    with gr.Row(elem_classes=["tools"]):
        notify = gr.Button("Request browser notifications", elem_id="request_notifications")
        download = gr.Button("Download localization template", elem_id="download_localization")
    with gr.Row(elem_classes=["tools"]):
        unload = gr.Button("Unload SD checkpoint to RAM", elem_id="sett_unload_sd_model")
        load = gr.Button("Load SD checkpoint to VRAM from RAM", elem_id="sett_reload_sd_model")
    with gr.Row(elem_classes=["tools"]):
        hashes = gr.Button("Calculate hash for all checkpoint", elem_id="calculate_all_checkpoint_hash")
    gr.HTML(f'<p class="quiet">{_HINT}</p>')
    page = Actions(services, gr.HTML(elem_id="actions_message", elem_classes=["messages"]))
    notify.click(fn=None, js=_ASK, outputs=[page.message])
    download.click(fn=None, js=_DOWNLOAD)
    for button, action in ((unload, page.unload), (load, page.load), (hashes, page.hash_all)):
        button.click(action, None, page.outputs(), **QUIET)
    page.timer.tick(page.tick, [page.job_id], page.outputs(), **QUIET)


class Actions:
    def __init__(self, services: Services, message: gr.HTML) -> None:
        self._services = services
        self.message = message
        self.job_id = gr.State("")
        self.timer = gr.Timer(_PERIOD, active=False)

    def outputs(self) -> list[Any]:
        return [self.message, self.job_id, self.timer]

    def unload(self) -> Updates:
        return self._start(UnloadRequest())

    def load(self) -> Updates:
        chosen = self._services.checkpoint(self._services.jobs.catalog())
        if chosen is None or chosen.problem:
            why = chosen.problem if chosen else "there is none yet"
            return {self.message: markup.messages([], f"No checkpoint can be loaded: {why}.")}
        return self._start(LoadRequest(model=chosen.title))

    def hash_all(self) -> Updates:
        return self._start(HashRequest())

    def tick(self, job_id: Any) -> Updates:
        job = self._services.jobs.get(job_id) if isinstance(job_id, str) else None
        if job is None:
            return {self.timer: gr.Timer(active=False)}
        view = job.view()
        if view.ended:
            return {self.message: _ending(job.task, view), self.timer: gr.Timer(active=False)}
        return {self.message: markup.progress(view, self._services.jobs.position(job))}

    def _start(self, task: Task) -> Updates:
        job = self._services.jobs.submit(task, self._services.settings.current)
        waiting = markup.progress(job.view(), self._services.jobs.position(job))
        return {self.message: waiting, self.job_id: job.id, self.timer: gr.Timer(active=True)}


def _ending(task: Task, view: View) -> str:
    done = [f"{task.model} is loaded."] if isinstance(task, LoadRequest) and view.state == "finished" else []
    stopped = ["Interrupted."] if view.state == "stopped" else []
    return markup.messages([*view.notices, *done, *stopped], view.error)
