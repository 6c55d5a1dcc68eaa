"""All of /sdapi/v1 on one server."""

from __future__ import annotations

from fastapi import FastAPI

from sdui.core.extras import ExtrasRequest
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue

from . import extras
from .tasks import FAILURES, Tasks, refused


def add(app: FastAPI, jobs: JobQueue, settings: SettingsFile, operations: type[ExtrasRequest]) -> None:
    """`operations`: the class of requests with the parameters of the extensions that are here."""
    tasks = Tasks(jobs, settings)
    app.include_router(extras.routes(tasks, operations), prefix="/sdapi/v1")
    for failure in FAILURES:
        app.add_exception_handler(failure, refused)
