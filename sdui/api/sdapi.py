"""All of the API on one server: A1111's /sdapi/v1 and /internal, /api/jobs, and OpenAI's /v1."""

from __future__ import annotations

from fastapi import FastAPI

from sdui.services import Services

from . import (
    extras,
    flags,
    generating,
    internal,
    jobs,
    lists,
    models,
    openai,
    options,
    png_info,
    progress,
    scripts,
    training,
)
from .refusals import FAILURES, UNREADABLE
from .tasks import Tasks
from .webhooks import Webhooks


def add(app: FastAPI, services: Services) -> None:
    tasks = Tasks(services.jobs, services.settings)
    parts = (
        generating.routes(tasks, services),
        extras.routes(tasks, services.extras),
        png_info.routes(),
        progress.routes(services.jobs),
        options.routes(services, tasks),
        flags.routes(services.launch),
        lists.routes(services),
        models.routes(services, tasks),
        scripts.routes(services),
        training.routes(),
    )
    for part in parts:
        app.include_router(part, prefix="/sdapi/v1", responses=UNREADABLE)
    app.include_router(internal.routes(services), prefix="/internal", responses=UNREADABLE)
    app.include_router(jobs.routes(services, Webhooks(services.launch.webhook_host)), responses=UNREADABLE)
    app.include_router(openai.routes(services, tasks), prefix="/v1")
    for failure, answer in FAILURES.items():
        app.add_exception_handler(failure, answer)
