"""From a request over HTTP to a job, and from the job's end to an answer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from sdui.core.errors import ModelNotFound, PictureNotFound, RequestError, SduiError
from sdui.core.request import Task
from sdui.core.settings import SettingsFile
from sdui.jobs import following
from sdui.jobs.job import Job, View
from sdui.jobs.queue import JobQueue

_STATUS = {RequestError.__name__: 422, ModelNotFound.__name__: 404, PictureNotFound.__name__: 404}
"""Of an error's class; any other is the server's own, 500."""


class Refusal(BaseModel):
    """A1111's form of an error."""

    error: str
    """Its kind."""
    detail: Any
    """A sentence; for 422 FastAPI's list."""
    body: str = ""
    errors: str = ""
    """A sentence that says what to do."""


REFUSALS: dict[int | str, dict[str, Any]] = {404: {"model": Refusal}, 500: {"model": Refusal}}
"""What `refused` answers beside 422, for the OpenAPI document."""


class TaskFailed(Exception):
    """A job has failed; `kind` is the name of its error's class."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class Tasks:
    """Runs tasks in the same queue as the page, with the page's settings."""

    def __init__(self, jobs: JobQueue, settings: SettingsFile) -> None:
        self._jobs, self._settings = jobs, settings

    async def run(self, task: Task, request: Request) -> View:
        """Wait for the end, or for what a stopped job has made. Raises TaskFailed."""
        job = Job(task, self._settings.current, client=client_of(request), durable=False)
        return await self.end_of(self._jobs.add(job))

    async def end_of(self, job: Job) -> View:
        """The same for a job that is in the queue already."""
        view = await following.end_of(job)
        if view.state == "failed":
            raise TaskFailed(view.error_kind, view.error)
        return view

    def describers(self) -> tuple[str, ...]:
        return self._jobs.fresh_catalog().names("describers")


def client_of(request: Request) -> str:
    """Who asks, for taking turns: an account, else what a program calls itself, else its address."""
    named = request.scope.get("account") or request.headers.get("x-client-id", "")[:100]
    return str(named or (request.client.host if request.client else ""))


def taken(path: str, *, keep: bool = False) -> str:
    """A file's content in base64; a temporary one, which is not to be kept, is removed."""
    file = Path(path)
    data = file.read_bytes()
    if not keep:
        file.unlink()
    return base64.b64encode(data).decode()


def refused(request: Request, error: Exception) -> JSONResponse:
    """A1111's form of an error, with a sentence that says what to do; 422 has FastAPI's list, as A1111's has."""
    kind, sentence = error.kind if isinstance(error, TaskFailed) else type(error).__name__, str(error)
    status = _STATUS.get(kind, 500)
    field = sentence.partition(":")[0]
    detail = [{"loc": ["body", field], "msg": sentence, "type": "value_error"}] if status == 422 else sentence
    return JSONResponse({"error": kind, "detail": detail, "body": "", "errors": sentence}, status)


FAILURES = (SduiError, TaskFailed)
"""What `refused` answers."""
