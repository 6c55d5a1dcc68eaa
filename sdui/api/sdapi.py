"""All of /sdapi/v1 and /v1 on one server."""

from __future__ import annotations

from fastapi import FastAPI

from sdui.services import Services

from . import extras, openai
from .tasks import FAILURES, Tasks, refused


def add(app: FastAPI, services: Services) -> None:
    tasks = Tasks(services.jobs, services.settings)
    app.include_router(extras.routes(tasks, services.extras), prefix="/sdapi/v1")
    app.include_router(openai.routes(services, tasks), prefix="/v1")
    for failure in FAILURES:
        app.add_exception_handler(failure, refused)
