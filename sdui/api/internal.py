"""/internal: what A1111's own pages ask, and tools made for them."""

from __future__ import annotations

import base64
import zlib
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from sdui.core.params import declared
from sdui.jobs.queue import Job, JobQueue
from sdui.services import Services
from sdui.sysinfo import as_text

from .progress import share


class ProgressRequest(BaseModel):
    id_task: str | None = Field(default=None, title="Task ID", description="The job's.")
    id_live_preview: int | None = Field(default=-1, title="Live preview image ID", description="Of the last one.")
    live_preview: bool | None = Field(default=True, title="Include live preview")


class TaskProgress(BaseModel):
    active: bool = Field(title="Whether the task is being worked on right now")
    queued: bool = Field(title="Whether the task is in queue")
    completed: bool = Field(title="Whether the task has already finished")
    progress: float | None = Field(default=None, title="Progress", description="0 to 1.")
    eta: float | None = Field(default=None, title="ETA in secs")
    live_preview: str | None = Field(default=None, title="Live preview image", description="A data URL, if new.")
    id_live_preview: int | None = Field(default=-1, title="Live preview image ID")
    textinfo: str | None = Field(default=None, title="Info text", description="What is being done.")


class PendingTasksResponse(BaseModel):
    size: int = Field(title="Pending task size")
    tasks: list[str] = Field(title="Pending task ids", description="In the order in which they will be run.")


class StartupProfile(BaseModel):
    total: float = Field(description="Seconds.")
    records: dict[str, float] = Field(description="Seconds of each part.")


class QuicksettingsHint(BaseModel):
    name: str = Field(title="Name of the quicksettings field")
    label: str = Field(title="Label of the quicksettings field")


def routes(services: Services) -> APIRouter:
    served, internal = APIRouter(), _Internal(services)
    served.get("/ping")(_ping)
    served.post("/progress")(internal.progress)
    served.get("/pending-tasks")(internal.pending)
    served.get("/profile-startup")(internal.profile)
    served.get("/quicksettings-hint")(internal.hints)
    served.get("/sysinfo", response_class=_Json)(internal.sysinfo)
    served.get("/sysinfo-download", response_class=_Json)(internal.download)
    return served


class _Json(JSONResponse):
    """Of text that is JSON already."""

    def render(self, content: str) -> bytes:
        return content.encode()


class _Internal:
    def __init__(self, services: Services) -> None:
        self._services = services

    def progress(self, body: ProgressRequest) -> TaskProgress:
        """Of one job; of one that is not known, nothing is true."""
        job = self._services.jobs.get(body.id_task or "")
        if job is None:
            return TaskProgress(active=False, queued=False, completed=False, textinfo="Waiting...")
        view = job.view()
        if view.state == "queued":
            said = _place(self._services.jobs, job)
            return TaskProgress(active=False, queued=True, completed=False, textinfo=said)
        if view.ended:
            return TaskProgress(active=False, queued=False, completed=True)
        answer = TaskProgress(active=True, queued=False, completed=False, progress=share(view))
        if view.progress:
            answer.eta, answer.textinfo = view.progress.eta, view.progress.stage
        answer.id_live_preview = body.id_live_preview
        if view.preview and body.live_preview and (number := zlib.crc32(view.preview)) != body.id_live_preview:
            answer.id_live_preview = number
            answer.live_preview = f"data:image/jpeg;base64,{base64.b64encode(view.preview).decode()}"
        return answer

    def pending(self) -> PendingTasksResponse:
        waiting = [job.id for job in self._services.jobs.waiting()]
        return PendingTasksResponse(size=len(waiting), tasks=waiting)

    def profile(self) -> StartupProfile:
        """How long what took when the server started."""
        records = dict(self._services.startup)
        return StartupProfile(total=sum(records.values()), records=records)

    def hints(self) -> list[QuicksettingsHint]:
        """The settings that can stand above the tabs."""
        every = declared(self._services.settings.model)
        return [QuicksettingsHint(name=d.path, label=d.param.label) for d in every]

    def sysinfo(self) -> _Json:
        """What a report of a bug needs to say of this server."""
        return _Json(as_text(self._services))

    def download(self) -> _Json:
        """The same, as a file."""
        name = f"sysinfo-{datetime.now().strftime('%Y-%m-%d-%H-%M')}.json"
        return _Json(as_text(self._services), headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _ping() -> dict[str, str]:
    """Answers as soon as the server does."""
    return {}


def _place(jobs: JobQueue, job: Job) -> str:
    waiting = jobs.waiting()
    return f"In queue: {waiting.index(job) + 1}/{len(waiting)}" if job in waiting else "Waiting..."
