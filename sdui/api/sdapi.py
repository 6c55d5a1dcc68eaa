"""All of A1111's HTTP interface on one server: /sdapi/v1 and /internal."""

from __future__ import annotations

from fastapi import FastAPI

from sdui.services import Services

from . import extras, flags, internal, lists, models, options, png_info, progress, scripts, training
from .tasks import FAILURES, UNREADABLE, Tasks


def add(app: FastAPI, services: Services) -> None:
    tasks = Tasks(services.jobs, services.settings)
    parts = (
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
    for failure, answer in FAILURES.items():
        app.add_exception_handler(failure, answer)
