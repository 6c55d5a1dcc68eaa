"""Keeps one page in step with one job: what changed since the page was last told.

The page itself remembers what it shows, so a lost answer, a sleeping tab or a new connection only costs time.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import gradio as gr

from sdui.core.events import Stop
from sdui.core.extras import ExtrasRequest
from sdui.core.request import BatchRequest, GenerationRequest
from sdui.jobs.job import Job, View
from sdui.jobs.queue import JobQueue

from . import markup
from .components import serve
from .form import Updates

PERIOD = 0.4
"""Seconds between two looks at a job."""

_LOOK_AGAIN = """(shown, id) => ({
  __type__: "update",
  active: ["queued", "running"].includes(shown?.state) || Boolean(id && id !== shown?.told),
})"""


@dataclass(frozen=True)
class Parts:
    """The components that tell of a job."""

    job_id: gr.BrowserState
    draft: gr.BrowserState
    """What stands in the form, as `drafts` has it."""
    shown: gr.JSON
    """What the page shows of which job, and which of its generations it was `told` to the end; held by the page."""
    selected: gr.State
    timer: gr.Timer
    generate: gr.Button
    interrupt: gr.Button
    interrupting: gr.Button
    """In its place while the last picture is being finished."""
    skip: gr.Button
    progress: gr.HTML
    preview: gr.HTML
    gallery: gr.Gallery
    info: gr.HTML
    log: gr.HTML
    downloads: gr.File
    marked: gr.State
    """(job, place) of the picture that another one is to be compared with; None when there is none."""
    comparison: gr.HTML
    tools: dict[str, gr.Button]
    """The buttons under the pictures, by what they do: see `results`."""

    def all(self) -> list[Any]:
        """What a handler that tells of a job may change."""
        return [*(one for one in vars(self).values() if one is not self.tools), *self.tools.values()]

    def pictures(self) -> list[Any]:
        """What shows pictures and tells of the selected one."""
        return [self.gallery, self.selected, self.info, self.downloads]

    def keep_looking(self, *events: Any) -> None:
        """Decide after each of these events on the page itself, because answers overtake each other.

        The answer to a look at an ended job, sent before Generate was clicked, may come after the new job's first.
        """
        for event in events:
            event.then(fn=None, js=_LOOK_AGAIN, inputs=[self.shown, self.job_id], outputs=[self.timer])

    def follow(self, job: Job, jobs: JobQueue) -> Updates:
        """Everything about a job that this page did not show before; what was said about an older one goes."""
        return {self.job_id: job.id, self.log: ""} | self.changes(job, jobs, {})

    def changes(self, job: Job, jobs: JobQueue, shown: dict[str, Any]) -> Updates:
        """What the page needs to go from `shown` to now; nothing when it shows it all.

        A job without a message leaves the one that stands on the page: it may be about a request that was refused.
        """
        view, ahead = job.view(), jobs.position(job)
        now = _summary(job, view, ahead, shown)
        if now == shown:
            return {}
        was = shown if shown.get("job") == job.id else {}
        changed = {key for key in now if now[key] != was.get(key)}
        updates: Updates = {self.shown: now, self.progress: markup.progress(view, ahead)}
        if changed & {"state", "ending"}:
            updates |= self.buttons(busy(job), ending=now["ending"])
        if "preview" in changed:
            updates[self.preview] = markup.preview(None if view.ended else view.preview)
        if changed & {"notices", "state"} and (said := markup.messages([*view.notices, *_ending(view)], view.error)):
            updates[self.log] = said
        if "images" in changed and _makes_pictures(job):
            updates |= self._pictures(view, first=not was.get("images"))
        return updates

    def idle(self, message: str = "") -> Updates:
        """There is no job to tell of."""
        return self.buttons(False) | {
            self.job_id: "",
            self.shown: {},
            self.progress: "",
            self.preview: "",
            self.log: markup.messages([message] if message else []),
        }

    def buttons(self, running: bool, *, ending: bool = False) -> Updates:
        """ending: asked to end after the picture that is being drawn."""
        return {
            self.generate: gr.update(visible=not running, interactive=True),
            self.interrupt: gr.update(visible=running and not ending),
            self.interrupting: gr.update(visible=running and ending),
            self.skip: gr.update(visible=running),
        }

    def _pictures(self, view: View, *, first: bool) -> Updates:
        """`first`: the page shows no picture of this job yet; the first one gets selected.

        A job that adds to what is there has its newest one selected.
        """
        images = view.gallery
        files = [serve(image.path) for image in images]
        if not first and not view.earlier:
            return {self.gallery: gr.update(value=files)}
        selected = len(files) - 1 if view.earlier else 0
        return {
            self.gallery: gr.update(value=files, selected_index=selected if files else None),
            self.selected: selected,
            self.info: markup.described(images[selected]) if images else "",
            self.downloads: gr.update(value=None, visible=False),
        }


def busy(job: Job | None) -> bool:
    """Whether pictures are being made, so that this page must wait with the next."""
    return job is not None and _makes_pictures(job) and not job.view().ended


def _makes_pictures(job: Job) -> bool:
    return isinstance(job.task, GenerationRequest | BatchRequest | ExtrasRequest)


def _ending(view: View) -> list[str]:
    made = sum(image.kind == "image" for image in view.images) + len(view.pictures)
    finished = f"{made} finished picture{'s' * (made > 1)} kept" if made else "no picture was finished"
    return [f"Interrupted, {finished}."] if view.state == "stopped" else []


def _summary(job: Job, view: View, ahead: int, shown: dict[str, Any]) -> dict[str, Any]:
    own = _makes_pictures(job)
    return {
        "job": job.id,
        "version": view.version,
        "ahead": ahead,
        "state": view.state,
        "preview": 0 if view.ended else zlib.crc32(view.preview or b""),
        "images": len(view.gallery),
        "notices": len(view.notices),
        "ending": job.stop.level in (Stop.AFTER, Stop.NOW),
        "told": shown.get("told", "") if not own else job.id if view.ended else "",
    }
