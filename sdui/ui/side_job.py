"""A job that one part of the page starts for itself: how far it is, how it is stopped, and that it has ended."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.events import Stop
from sdui.jobs.job import Job
from sdui.services import Services

from . import markup
from .following import PERIOD
from .form import Updates
from .results import QUIET


class SideJob:
    """Its components, made where it is made, and their handlers, which trust nothing that the page sends."""

    def __init__(self, services: Services, prefix: str) -> None:
        self._services = services
        self.asked = gr.State("")
        """The running job's id."""
        self.timer = gr.Timer(PERIOD, active=False)
        self._progress = gr.HTML(elem_id=f"{prefix}_progress", elem_classes=["progress-box"])
        self._interrupt = gr.Button("Interrupt", elem_id=f"{prefix}_interrupt", visible=False, size="sm")
        self._interrupt.click(self._stop, [self.asked], [self._progress], **QUIET)

    def outputs(self) -> list[Any]:
        """What `begun` and `look` change."""
        return [self.asked, self.timer, self._progress, self._interrupt]

    def running(self, asked: Any) -> bool:
        job = self._job(asked)
        return job is not None and not job.view().ended

    def begun(self, job: Job) -> Updates:
        return {
            self.asked: job.id,
            self.timer: gr.Timer(active=True),
            self._progress: markup.progress(job.view(), self._services.jobs.position(job)),
            self._interrupt: gr.update(visible=True),
        }

    def look(self, asked: Any) -> tuple[Updates, Job | None]:
        """What changed since the last look, and the job once it has ended."""
        job = self._job(asked)
        if job and not job.view().ended:
            return {self._progress: markup.progress(job.view(), self._services.jobs.position(job))}, None
        over: Updates = {self.asked: "", self.timer: gr.Timer(active=False), self._progress: ""}
        return over | {self._interrupt: gr.update(visible=False)}, job

    def _stop(self, asked: Any) -> str:
        job = self._job(asked)
        if job is None or job.view().ended:
            return ""
        self._services.jobs.stop(job, Stop.NOW)
        return markup.waiting("Interrupting")

    def _job(self, asked: Any) -> Job | None:
        return self._services.jobs.get(asked) if isinstance(asked, str) else None
