"""From a request over HTTP to a job, and to the job's end."""

from __future__ import annotations

import base64
from pathlib import Path

from fastapi import Request

from sdui.core.request import Task
from sdui.core.settings import SettingsFile
from sdui.jobs import following
from sdui.jobs.job import Job, View
from sdui.jobs.queue import JobQueue

from .refusals import TaskFailed


class Tasks:
    """Runs tasks in the same queue as the page, with the page's settings."""

    def __init__(self, jobs: JobQueue, settings: SettingsFile) -> None:
        self._jobs, self._settings = jobs, settings

    async def run(self, task: Task, request: Request | None = None) -> View:
        """Wait for the end, or for what a stopped job has made. Raises TaskFailed.

        request: whose turn it takes.
        """
        client = client_of(request) if request else ""
        job = Job(task, self._settings.current, client=client, durable=False)
        return await self.end_of(self._jobs.add(job))

    async def end_of(self, job: Job) -> View:
        """The same for a job that is in the queue already."""
        view = await following.end_of(job)
        if view.state == "failed":
            raise TaskFailed(view.error_kind, view.error)
        return view

    async def done(self, task: Task) -> None:
        """Wait for the end. Raises TaskFailed, also where the job was stopped."""
        view = await self.run(task)
        if view.state == "stopped":
            raise TaskFailed("Interrupted", "The work was interrupted before it was finished.")

    def describers(self) -> tuple[str, ...]:
        return self._jobs.fresh_catalog().names("describers")


def client_of(request: Request) -> str:
    """Who asks, for taking turns: an account, else what a program calls itself, else its address."""
    named = request.scope.get("account") or request.headers.get("x-client-id", "")[:100]
    return str(named or (request.client.host if request.client else ""))


def running(jobs: JobQueue) -> tuple[Job, View] | None:
    """The job that is being run, the newest of several, as it is now."""
    views = ((job, job.view()) for job in reversed(jobs.list()))
    return next(((job, view) for job, view in views if view.state == "running"), None)


def taken(path: str, *, keep: bool = False) -> str:
    """A file's content in base64; a temporary one, which is not to be kept, is removed."""
    file = Path(path)
    data = file.read_bytes()
    if not keep:
        file.unlink()
    return base64.b64encode(data).decode()
