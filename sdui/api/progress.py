"""How far the running job is, and stopping it."""

from __future__ import annotations

import base64
import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sdui.core.events import Progress, Stop
from sdui.core.request import BatchRequest, GenerationRequest, Task
from sdui.jobs.job import Job, View
from sdui.jobs.queue import JobQueue

from .tasks import running

_BEGUN = 0.01
"""A1111 shows as much from the first moment on; 0 is idle."""
_IDLE: dict[str, Any] = {
    "skipped": False,
    "interrupted": False,
    "stopping_generation": False,
    "job": "",
    "job_count": 0,
    "job_timestamp": "0",
    "job_no": 0,
    "sampling_step": 0,
    "sampling_steps": 0,
}


class ProgressResponse(BaseModel):
    progress: float = Field(title="Progress", description="0 to 1 of the running job; 0 when nothing is run.")
    eta_relative: float = Field(title="ETA in secs")
    state: dict[str, Any] = Field(title="State", description="Of the running job.")
    current_image: str | None = Field(default=None, title="Current image", description="A JPEG in base64.")
    textinfo: str | None = Field(default=None, title="Info text", description="What is being done.")


def routes(jobs: JobQueue) -> APIRouter:
    served, running_job = APIRouter(), _RunningJob(jobs)
    served.get("/progress")(running_job.progress)
    served.post("/interrupt")(running_job.interrupt)
    served.post("/skip")(running_job.skip)
    return served


class _RunningJob:
    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def progress(self, skip_current_image: bool = False) -> ProgressResponse:
        found = running(self._jobs)
        if found is None:
            return ProgressResponse(progress=0, eta_relative=0, state=_IDLE)
        job, view = found
        told = view.progress or Progress("")
        shown = None if skip_current_image else view.preview
        return ProgressResponse(
            progress=share(view),
            eta_relative=told.eta or 0,
            state=_state(job, told),
            current_image=base64.b64encode(shown).decode() if shown else None,
            textinfo=told.stage or None,
        )

    def interrupt(self) -> dict[str, Any]:
        """Give up the running job; what it has finished is answered."""
        return self._stop(Stop.NOW)

    def skip(self) -> dict[str, Any]:
        """Give up the pictures that are being drawn, go on with the job's next ones."""
        return self._stop(Stop.SKIP)

    def _stop(self, level: Stop) -> dict[str, Any]:
        if found := running(self._jobs):
            self._jobs.stop(found[0], level)
        return {}


def share(view: View) -> float:
    """0..1 of a running job."""
    return min(max(view.progress.done if view.progress else 0, _BEGUN), 1)


def _state(job: Job, told: Progress) -> dict[str, Any]:
    batches = job.task.batch_count if isinstance(job.task, GenerationRequest) else 1
    return _IDLE | {
        "skipped": job.stop.level == Stop.SKIP,
        "interrupted": job.stop.level == Stop.NOW,
        "stopping_generation": job.stop.level == Stop.AFTER,
        "job": _name(job.task),
        "job_count": batches,
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.submitted)),
        "job_no": min(int(told.done * batches), batches - 1),
        "sampling_step": told.step,
        "sampling_steps": told.steps,
    }


def _name(task: Task) -> str:
    """A1111's for drawing; "load", "merge" and so on for what it has none for."""
    drawn = task.request if isinstance(task, BatchRequest) else task
    if isinstance(drawn, GenerationRequest):
        return "scripts_img2img" if drawn.init else "scripts_txt2img"
    return type(task).__name__.removesuffix("Request").lower()
