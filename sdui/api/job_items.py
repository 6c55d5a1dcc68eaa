"""How /api/jobs shows a job: its state, its pictures, what it says."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, Field

from sdui.core.events import Event, Failed, ImageSaved, ModelSaved, Notice, PictureSaved, Preview, Progress
from sdui.jobs.job import Job, Saved

State = Literal["queued", "running", "finished", "stopped", "failed"]


class PictureItem(BaseModel):
    url: str
    infotext: str
    kind: str = Field(description="image, grid, mask or interrupted.")
    seed: int | None = None


class ProgressItem(BaseModel):
    stage: str = Field(description='In words: "Sampling".')
    step: int
    steps: int
    done: float = Field(description="Share of the whole job, 0..1.")
    eta: float | None = Field(description="Seconds until the whole job is done.")


class JobItem(BaseModel):
    id: str
    kind: str = Field(description="GenerationRequest, ExtrasRequest, ...")
    state: State
    position: int | None = Field(description="Of one that waits: how many run before it.")
    priority: int
    client: str = Field(description="Who asked for it: account, X-Client-Id or address. Clients take turns.")
    submitted: float = Field(description="Seconds since 1970.")
    progress: ProgressItem | None
    images: list[PictureItem]
    notices: list[str]
    error: str
    events: str = Field(description="Address of its events.")


class JobDetails(JobItem):
    request: dict[str, Any] = Field(description="What is asked for; pictures in it are left out.")


class JobList(BaseModel):
    jobs: list[JobItem] = Field(description="Running ones, waiting ones in their order, then the last that ended.")


def item(job: Job, place: int) -> JobItem:
    """place: among those that wait."""
    view = job.view()
    now = view.progress if view.state == "running" else None
    return JobItem(
        id=job.id,
        kind=type(job.task).__name__,
        state=cast("State", view.state),
        position=place if view.state == "queued" else None,
        priority=job.priority,
        client=job.client,
        submitted=job.submitted,
        progress=_progress(now) if now else None,
        images=[picture(job, number, saved) for number, saved in enumerate(pictures(job))],
        notices=list(view.notices),
        error=view.error,
        events=f"/api/jobs/{job.id}/events",
    )


def details(job: Job, place: int) -> JobDetails:
    return JobDetails(**dict(item(job, place)), request=_without_pictures(job.task.model_dump(mode="json")))


def told(event: Event) -> Any:
    match event:
        case Progress():
            return _progress(event)
        case Preview(jpeg=jpeg):
            return {"jpeg": base64.b64encode(jpeg).decode()}
        case Notice(text=text):
            return {"text": text}
        case ModelSaved(path=path, sha256=sha256):
            return {"name": Path(path).name, "sha256": sha256}
        case Failed(error=error, kind=kind):
            return {"error": error, "kind": kind}
        case _:
            return {}


def pictures(job: Job) -> list[Saved]:
    """In the order in which they were made, so that a number stays a picture's."""
    return [event for _, event in job.since(0) if isinstance(event, ImageSaved | PictureSaved)]


def picture(job: Job, number: int, saved: Saved) -> PictureItem:
    kind, seed = (saved.kind, saved.request.seed) if isinstance(saved, ImageSaved) else ("image", None)
    return PictureItem(url=f"/api/jobs/{job.id}/images/{number}", infotext=saved.infotext, kind=kind, seed=seed)


def _progress(now: Progress) -> ProgressItem:
    return ProgressItem(stage=now.stage, step=now.step, steps=now.steps, done=now.done, eta=now.eta)


def _without_pictures(task: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = task.get("request", task)
    if init := request.get("init"):
        init["image"] = ""
        if init.get("inpaint"):
            init["inpaint"]["mask"] = ""
    for holder in (task, task.get("source")):
        if isinstance(holder, dict) and "pictures" in holder:
            holder["pictures"] = []
    if "image" in task:
        task["image"] = ""
    return task
