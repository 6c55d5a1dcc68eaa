"""All of the API on one server: A1111's /sdapi/v1, /api/jobs and OpenAI's /v1."""

from __future__ import annotations

from fastapi import FastAPI

from sdui.services import Services

from . import extras, generating, jobs, openai
from .tasks import FAILURES, Tasks, refused
from .webhooks import Webhooks


def add(app: FastAPI, services: Services) -> None:
    tasks = Tasks(services.jobs, services.settings)
    app.include_router(generating.routes(tasks, services), prefix="/sdapi/v1")
    app.include_router(extras.routes(tasks, services.extras), prefix="/sdapi/v1")
    app.include_router(jobs.routes(services, Webhooks(services.launch.webhook_host)))
    app.include_router(openai.routes(services, tasks), prefix="/v1")
    for failure in FAILURES:
        app.add_exception_handler(failure, refused)
