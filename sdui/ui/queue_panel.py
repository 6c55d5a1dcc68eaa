"""The panel of jobs from all pages: what runs, what waits, what was done last; routes under /page/queue."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from sdui.core.errors import RequestError
from sdui.core.extras import ExtrasRequest, InterrogateRequest
from sdui.core.params import Params
from sdui.core.request import BatchRequest, GenerationRequest, LoadRequest
from sdui.imaging.pixels import opened
from sdui.jobs.job import Job, View
from sdui.jobs.queue import JobQueue
from sdui.services import Services

from . import markup
from .extras import Extras
from .form import Updates
from .generation import Generation, kind_of
from .results import QUIET

_LAST = 4
"""Ended jobs that are listed."""
_SIDE = 96
"""Pixels of a thumbnail's longer side."""
_LONGEST_PROMPT = 160
_FRAME = (
    "<details><summary>Queue</summary>"
    '<ol class="jobs" aria-label="Jobs of all pages"></ol><p role="status"></p></details>'
)
_CHOSEN = "() => [document.getElementById('queue_panel').dataset.job ?? '']"
_GONE = "This job does not wait any more."

Action = Literal["up", "down", "first", "cancel"]


class Wish(Params):
    """What is to become of a job."""

    action: Action


def build(services: Services, tabs: gr.Tabs, drawing: list[Generation], extras: Extras) -> None:
    """The panel outside of the tabs, which queue_panel.js fills, and the buttons that it clicks."""
    gr.HTML(_FRAME, elem_id="queue_panel")
    panel = QueuePanel(services, tabs, {tab.kind: tab for tab in drawing}, extras)
    outputs = list(dict.fromkeys([*(one for tab in drawing for one in tab.outputs()), *extras.outputs(), tabs]))
    job = gr.Textbox(visible="hidden")
    looking = (*(tab.parts for tab in drawing), extras.parts)
    for name, handler in (("queue_show", panel.show), ("queue_edit", panel.edit)):
        button = gr.Button(name, visible="hidden", elem_id=name)
        clicked = button.click(handler, [job], outputs, js=_CHOSEN, **QUIET)
        for parts in looking:
            parts.keep_looking(clicked)


class QueuePanel:
    """What needs the page itself: to follow a job, to change what one asks for."""

    def __init__(self, services: Services, tabs: gr.Tabs, drawing: dict[str, Generation], extras: Extras) -> None:
        self._services = services
        self._tabs = tabs
        self._drawing = drawing
        self._extras = extras

    def show(self, job_id: str) -> Updates:
        """Let the page follow this job."""
        job = self._services.jobs.get(job_id)
        name = _tab(job) if job else None
        if job is None or name is None:
            return {self._tabs: gr.skip()}
        parts = self._extras.parts if name == "extras" else self._drawing[name].parts
        return parts.follow(job, self._services.jobs) | {self._tabs: gr.Tabs(selected=name)}

    def edit(self, job_id: str) -> Updates:
        """Take a job out of the queue and show what it asks for."""
        job = self._services.jobs.get(job_id)
        kind = kind_of(job) if job else None
        if job is None or kind is None:
            return {self._tabs: gr.skip()}
        tab, place = self._drawing[kind], self._services.jobs.withdraw(job)
        if place is None:
            return {tab.parts.log: markup.messages([_GONE])}
        return tab.edit(job, place) | {self._tabs: gr.Tabs(selected=kind)}


def routes(services: Services) -> APIRouter:
    """For queue_panel.js alone."""
    router = APIRouter(prefix="/page/queue", include_in_schema=False)
    jobs = services.jobs

    @router.get("")
    def list_jobs(known: str = "") -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """known: the version that the page shows; it gets the jobs only when they look otherwise now."""
        return listed(jobs, known)

    @router.post("/{job_id}")
    def act(job_id: str, wish: Wish, request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        # Another site can send other types without asking, and forms have no JSON.
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise HTTPException(415, "Send application/json.")
        job = jobs.get(job_id)
        if job is None or job.view().ended:
            raise HTTPException(404, _GONE)
        _ACTIONS[wish.action](jobs, job)
        return JSONResponse(listed(jobs))

    @router.get("/{job_id}/picture")
    def picture(job_id: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        job = jobs.get(job_id)
        if job is None:
            raise HTTPException(404, "There is no such job.")
        data = _thumbnail(job)
        if data is None:  # no error: the job may have ended since the page was told of a preview
            return Response(status_code=204)
        return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    return router


_ACTIONS: dict[Action, Callable[[JobQueue, Job], None]] = {
    "up": lambda jobs, job: jobs.move(job, jobs.position(job) - 1),
    "down": lambda jobs, job: jobs.move(job, jobs.position(job) + 1),
    "first": lambda jobs, job: jobs.move(job, 0),
    "cancel": lambda jobs, job: jobs.stop(job),
}


def listed(jobs: JobQueue, known: str = "") -> dict[str, Any]:
    """`version` and, unless that is `known`, `jobs`: running ones, then waiting ones, then the last that ended."""
    everything, waiting = jobs.list(), jobs.waiting()
    running = [job for job in everything if job not in waiting and not job.view().ended]
    kept = (job for job in everything if job.durable)
    ended = [job for job in kept if job.view().ended and (job.view().gallery or job.view().error)]
    rows = [
        *(_row(job, 0) for job in running),
        *(_row(job, ahead) for ahead, job in enumerate(waiting)),
        *(_row(job, 0) for job in reversed(ended[-_LAST:])),
    ]
    version = f"{zlib.crc32(json.dumps(rows).encode()):x}"
    return {"version": version} | ({} if version == known else {"jobs": rows})


def _row(job: Job, ahead: int) -> dict[str, Any]:
    view = job.view()
    percent, words, left = (100, _ending(view), "") if view.ended else markup.how_far(view, ahead)
    pictured = zlib.crc32(view.preview or b"") if view.state == "running" else len(view.gallery)
    return {
        "id": job.id,
        "state": view.state,
        "kind": _tab(job) or "",
        "title": _title(job),
        "facts": _facts(job),
        "percent": percent,
        "words": words,
        "left": left,
        "picture": f"page/queue/{job.id}/picture?v={pictured}" if _picture(job, view) else "",
        "editable": view.state == "queued" and kind_of(job) is not None,
    }


def _tab(job: Job) -> str | None:
    """Whose results are the job's; None where they go to a program alone."""
    if not job.durable:
        return None
    return "extras" if isinstance(job.task, ExtrasRequest) else kind_of(job)


def _title(job: Job) -> str:
    match job.task:
        case GenerationRequest(prompt=prompt):
            return " ".join(prompt.split())[:_LONGEST_PROMPT] or "No prompt"
        case BatchRequest(source=source):
            return f"Batch: {source.input_dir or f'{len(source.pictures)} pictures'}"
        case ExtrasRequest(pictures=pictures):
            return f"Extras, {len(pictures)} pictures" if len(pictures) > 1 else "Extras"
        case LoadRequest(model=model):
            return f"Loading {model}"
        case InterrogateRequest():
            return "Interrogate"
        case _:
            return "Checkpoint merger"


def _facts(job: Job) -> str:
    task = job.task
    if not isinstance(task, GenerationRequest):
        return ""
    count = task.batch_count * task.batch_size
    pictures = f", {count} pictures" if count > 1 else ""
    return f"{task.width}×{task.height}, {task.steps} steps{pictures}"


def _ending(view: View) -> str:
    return {"finished": "Finished", "stopped": "Interrupted", "failed": view.error}[view.state]


def _picture(job: Job, view: View) -> bytes | Path | None:
    """The preview of what runs, the first picture of what has ended, the picture that a waiting job starts from."""
    if view.state == "running":
        return view.preview
    if view.ended:
        return Path(view.gallery[0].path) if view.gallery else None
    return job.task.init.image if isinstance(job.task, GenerationRequest) and job.task.init else None


def _thumbnail(job: Job) -> bytes | None:
    """A small JPEG."""
    picture = _picture(job, job.view())
    try:
        data = picture.read_bytes() if isinstance(picture, Path) else picture
        image = opened(data, "Image") if data else None
    except (OSError, RequestError):
        return None
    if image is None:
        return None
    small, encoded = image.convert("RGB"), io.BytesIO()
    small.thumbnail((_SIDE, _SIDE))
    small.save(encoded, "jpeg", quality=85)
    return encoded.getvalue()
