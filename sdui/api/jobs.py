"""/api/jobs: work that is asked for now and fetched later, by id; A1111's interface keeps programs waiting."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from starlette.concurrency import run_in_threadpool

from sdui.core import standing
from sdui.core.errors import RequestError
from sdui.core.events import ImageSaved, Last, PictureSaved
from sdui.core.params import Params, explain
from sdui.core.request import GenerationRequest
from sdui.jobs import following
from sdui.jobs.job import Job
from sdui.services import Services

from . import job_items
from .job_items import JobDetails, JobItem, JobList, State
from .refusals import REFUSALS, Said
from .tasks import client_of
from .webhooks import Webhooks

_PRIORITIES = 1000
_GONE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such job.", "model": Said}}
_GONE_OF_STREAM: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such job.", "content": {"application/json": {"schema": Said.model_json_schema()}}}
}
"""As JSON, where `model` would be documented as a stream."""
_LATE: dict[int | str, dict[str, Any]] = {409: {"description": "It waits no more.", "model": Said}}
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"description": "A picture.", "content": {"image/*": {}}}}


class NewJob(BaseModel):
    model_config = ConfigDict(extra="forbid")

    request: GenerationRequest
    priority: int = Field(0, ge=-_PRIORITIES, le=_PRIORITIES, description="The higher goes first.")
    webhook: str = Field(
        "", max_length=2000, description="Gets the ended job by POST; its host has to be allowed by --webhook-host."
    )


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    priority: int | None = Field(None, ge=-_PRIORITIES, le=_PRIORITIES)
    place: int | None = Field(None, ge=0, description="Among those that wait, 0 = next.")
    request: dict[str, Any] | None = Field(None, description="Fields of the request that are to be different.")


def routes(services: Services, webhooks: Webhooks) -> APIRouter:
    served, jobs = APIRouter(prefix="/api/jobs", tags=["jobs"]), _Jobs(services, webhooks)

    async def submit(body: NewJob, request: Request) -> JobItem:
        return await run_in_threadpool(jobs.submit, body, client_of(request))

    # Its request has the parameters of the extensions that are here.
    submit.__annotations__["body"] = create_model("NewJob", __base__=NewJob, request=(services.requests, ...))
    served.post("", status_code=201, responses=REFUSALS)(submit)
    served.get("")(jobs.listed)
    served.get("/{job_id}", responses=_GONE)(jobs.one)
    served.delete("/{job_id}", responses=_GONE)(jobs.cancel)
    served.patch("/{job_id}", responses=_GONE | _LATE)(jobs.change)
    # An answer that has begun could not say any more that there is no such job.
    known = [Depends(jobs.found)]
    served.get("/{job_id}/events", responses=_GONE_OF_STREAM, response_class=EventSourceResponse, dependencies=known)(
        jobs.events
    )
    served.get("/{job_id}/images/{number}", responses=_GONE | _PICTURE, response_class=FileResponse)(jobs.image)
    return served


class _Jobs:
    def __init__(self, services: Services, webhooks: Webhooks) -> None:
        self._services, self._jobs, self._webhooks = services, services.jobs, webhooks
        self._start = uuid.uuid4().hex[:8]
        """Of event ids: after another start of the server they count from the beginning again."""
        webhooks.tell = lambda job: job_items.details(job, 0).model_dump(mode="json")
        self._jobs.when_ended(webhooks.ended)

    def found(self, job_id: str) -> Job:
        if job := self._jobs.get(job_id):
            return job
        raise HTTPException(404, f"There is no job {job_id[:100]!r}; it may have ended long ago.")

    def submit(self, body: NewJob, client: str) -> JobItem:
        self._webhooks.check(body.webhook)
        asked, preferences = body.request, self._services.settings.current
        said = {path for path in standing.values(preferences, type(asked)) if _is_said(asked, path)}
        request = standing.applied(asked, preferences, said)
        if not asked.model:
            request = request.model_copy(update={"model": preferences.sd_model_checkpoint})
        job = Job(request, preferences, client=client, priority=body.priority, webhook=body.webhook)
        return self._item(self._jobs.add(job))

    async def listed(
        self, state: Annotated[list[State] | None, Query()] = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> JobList:
        everything, waiting = self._jobs.list(), self._jobs.waiting()
        places = {job.id: place for place, job in enumerate(waiting)}
        ended = [job for job in reversed(everything) if job.ended]
        running = [job for job in everything if job.id not in places and not job.ended]
        items = (job_items.item(job, places.get(job.id, 0)) for job in (*running, *waiting, *ended))
        return JobList(jobs=[item for item in items if not state or item.state in state][:limit])

    async def one(self, job_id: str) -> JobDetails:
        job = self.found(job_id)
        return job_items.details(job, self._jobs.position(job))

    async def cancel(self, job_id: str) -> JobItem:
        """A job that has ended stays what it is."""
        job = self.found(job_id)
        if not job.ended:
            self._jobs.stop(job)
        return self._item(job)

    async def change(self, job_id: str, body: Change) -> JobItem:
        job = self.found(job_id)
        task = _changed(job, body.request) if body.request else None
        if not self._jobs.edit(job, task=task, priority=body.priority):
            raise HTTPException(409, "This job does not wait any more, so it cannot be changed.")
        if body.place is not None:
            self._jobs.move(job, body.place)
        return self._item(job)

    async def events(self, job_id: str, request: Request) -> AsyncIterable[ServerSentEvent]:
        """Server-sent events, the job's end being the last. Last-Event-ID: only what is later."""
        job = self.found(job_id)
        after = self._version(request.headers.get("last-event-id", ""))
        if not after:
            yield ServerSentEvent(event="job", data=self._item(job))
        number = sum(isinstance(event, ImageSaved | PictureSaved) for at, event in job.since(0) if at <= after)
        async for at, event in following.events(job, after):
            name, said = type(event).__name__.lower(), job_items.told(event)
            if isinstance(event, ImageSaved | PictureSaved):
                name, said = "image", job_items.picture(job, number, event)
                number += 1
            elif isinstance(event, Last):
                said = self._item(job)
            yield ServerSentEvent(event=name, data=said, id=f"{self._start}-{at}")

    async def image(self, job_id: str, number: int) -> FileResponse:
        pictures = job_items.pictures(self.found(job_id))
        path = Path(pictures[number].path) if 0 <= number < len(pictures) else None
        if path is None or not path.is_file():
            raise HTTPException(404, f"There is no picture {number} of this job, or not any more.")
        return FileResponse(path)

    def _item(self, job: Job) -> JobItem:
        return job_items.item(job, self._jobs.position(job))

    def _version(self, event_id: str) -> int:
        start, _, version = event_id.partition("-")
        return int(version) if start == self._start and version.isdecimal() and len(version) < 10 else 0


def _changed(job: Job, fields: dict[str, Any]) -> GenerationRequest:
    """Raises RequestError naming the field."""
    if not isinstance(job.task, GenerationRequest):
        raise RequestError("request: only jobs that draw can be changed.")
    model = type(job.task)
    try:
        return model.model_validate(_merged(job.task.model_dump(exclude_unset=True), fields))
    except ValidationError as error:
        raise RequestError(explain(error, model)) from error


def _is_said(request: Params, path: str) -> bool:
    """Whether whoever wrote the request gave a value at this path."""
    node: Any = request
    for part in path.split("."):
        if not isinstance(node, Params) or part not in node.model_fields_set:
            return False
        node = getattr(node, part)
    return True


def _merged(held: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Stage by stage; None switches a stage off."""
    merged = dict(held)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            value = _merged(merged[name], cast("dict[str, Any]", value))
        merged[name] = value
    return merged
