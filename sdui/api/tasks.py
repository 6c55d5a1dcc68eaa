"""From a request over HTTP to a job, and from the job's end to an answer."""

from __future__ import annotations

import base64
from pathlib import Path

from fastapi import Request
from fastapi.responses import JSONResponse

from sdui.core.errors import ModelNotFound, RequestError, SduiError
from sdui.core.events import Failed
from sdui.core.request import Task
from sdui.core.settings import SettingsFile
from sdui.jobs.job import View
from sdui.jobs.queue import JobQueue

_STATUS = {RequestError.__name__: 422, ModelNotFound.__name__: 404}
"""Of an error's class; any other is the server's own, 500."""


class TaskFailed(Exception):
    """A job has failed; `kind` is the name of its error's class."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class Tasks:
    """Runs tasks in the same queue as the page, with the page's settings."""

    def __init__(self, jobs: JobQueue, settings: SettingsFile) -> None:
        self._jobs, self._settings = jobs, settings

    def run(self, task: Task) -> View:
        """Wait for the end, or for what a stopped job has made. Raises TaskFailed."""
        job = self._jobs.submit(task, self._settings.current)
        for event in job.events():
            if isinstance(event, Failed):
                raise TaskFailed(event.kind, event.error)
        return job.view()

    def describers(self) -> tuple[str, ...]:
        return self._jobs.fresh_catalog().names("describers")


def taken(path: str) -> str:
    """A temporary file's content in base64; the file is removed."""
    file = Path(path)
    data = file.read_bytes()
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
