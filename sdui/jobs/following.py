"""Following a job inside an event loop, where nothing may wait in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from sdui.core.events import Event, Last

from .job import Job, View


async def events(job: Job, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
    """Every event later than version `after` with its version, until the job has ended."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def changed() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens
            loop.call_soon_threadsafe(news.set)

    with job.watched(changed):
        while True:
            news.clear()
            fresh = job.since(after)
            for version, event in fresh:
                after = version
                yield version, event
                if isinstance(event, Last):
                    return
            if not fresh:
                if job.ended:
                    return
                await news.wait()


async def end_of(job: Job) -> View:
    """Wait for it; how the job looks then."""
    async for _ in events(job):
        pass
    return job.view()
