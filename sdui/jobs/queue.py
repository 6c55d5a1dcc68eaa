"""The queue: one thread per worker takes jobs, runs them and publishes what they say."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from sdui.core.catalog import Catalog
from sdui.core.errors import Interrupted, SduiError
from sdui.core.events import (
    Described,
    Emit,
    Event,
    Failed,
    Finished,
    GeneratedImage,
    ImageReady,
    ImageSaved,
    Last,
    ModelSaved,
    Notice,
    PictureReady,
    PictureSaved,
    Preview,
    Progress,
    Started,
    Stop,
    Stopped,
    StopToken,
)
from sdui.core.extras import ExtrasRequest
from sdui.core.networks import EmbeddingFacts, Library
from sdui.core.request import BatchRequest, Task
from sdui.core.settings import Preferences

log = logging.getLogger(__name__)

KEPT_JOBS = 200
"""Ended jobs that stay readable."""


class Worker(Protocol):
    """One device somewhere. `run` returns when the task is over; what it raises is the task's failure."""

    name: str

    def catalog(self) -> Catalog:
        """At once where that is possible; then it may be the one of the last start."""
        ...

    def fresh_catalog(self) -> Catalog: ...
    def library(self) -> Library: ...
    def metadata(self, checkpoint: str) -> dict[str, str]: ...
    def embedding_sizes(self, prompt: str) -> dict[str, int]: ...
    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]: ...
    def memory(self) -> dict[str, dict[str, Any]]: ...
    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None: ...
    def prepare(self, task: Task | None) -> None:
        """What will probably be run next, None for nothing; asked while something runs, returns at once."""
        ...

    def close(self) -> None: ...


Saved = ImageSaved | PictureSaved
Save = Callable[[GeneratedImage, Preferences], tuple[ImageSaved, str]]
"""Writes a picture; returns what readers are told, and a warning or ""."""
SavePicture = Callable[[PictureReady, Preferences], tuple[PictureSaved, str]]
"""The same for what the Extras tab makes."""


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows of a job at one moment. `version` grows with every change."""

    version: int
    state: str
    """queued, running, finished, stopped or failed."""
    progress: Progress | None = None
    preview: bytes | None = None
    images: tuple[ImageSaved, ...] = ()
    pictures: tuple[PictureSaved, ...] = ()
    """Of the Extras tab."""
    described: str = ""
    """What an interrogator said."""
    model: ModelSaved | None = None
    """What a merge has made."""
    notices: tuple[str, ...] = ()
    error: str = ""
    earlier: tuple[Saved, ...] = ()
    """What was shown before this job's own."""

    @property
    def gallery(self) -> tuple[Saved, ...]:
        """What the page shows: what was there already, then grids, then the rest."""
        shown = [one for one in (*self.images, *self.pictures) if one.shown]
        return (
            *self.earlier,
            *sorted(shown, key=lambda one: not (isinstance(one, ImageSaved) and one.kind == "grid")),
        )

    @property
    def ended(self) -> bool:
        return self.state in ("finished", "stopped", "failed")


@dataclass(slots=True, eq=False)
class Job:
    """A task in the queue. Any number of readers follow it from the start with `events` or look at it with `view`.

    Progress and previews are kept only until the next one; everything else is kept.
    """

    task: Task
    preferences: Preferences
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    submitted: float = field(default_factory=time.time)
    stop: StopToken = field(default_factory=StopToken)
    earlier: tuple[Saved, ...] = ()
    """Pictures that this job adds its own to."""
    _log: list[tuple[int, Event]] = field(default_factory=list[tuple[int, Event]])
    _version: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def publish(self, event: Event) -> None:
        with self._changed:
            if isinstance(event, Progress | Preview):
                self._log = [entry for entry in self._log if type(entry[1]) is not type(event)]
            self._version += 1
            self._log.append((self._version, event))
            self._changed.notify_all()

    def events(self, after: int = 0) -> Iterator[Event]:
        """Every event later than version `after`, waiting for more until the job has ended."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda at=after: self._version > at or self._ended())
                if self._version <= after:
                    return
                fresh = [entry for entry in self._log if entry[0] > after]
            for version, event in fresh:
                after = version
                yield event
                if isinstance(event, Last):
                    return

    def _ended(self) -> bool:
        return bool(self._log) and isinstance(self._log[-1][1], Last)

    def view(self) -> View:
        with self._changed:
            events = [event for _, event in self._log]
            version = self._version
        last = events[-1] if events else None
        match last:
            case None:
                state = "queued"
            case Finished() | Stopped() | Failed():
                state = type(last).__name__.lower()
            case _:
                state = "running"
        return View(
            version,
            state,
            next((e for e in events if isinstance(e, Progress)), None),
            next((e.jpeg for e in events if isinstance(e, Preview)), None),
            tuple(e for e in events if isinstance(e, ImageSaved)),
            tuple(e for e in events if isinstance(e, PictureSaved)),
            next((e.text for e in events if isinstance(e, Described)), ""),
            next((e for e in events if isinstance(e, ModelSaved)), None),
            tuple(e.text for e in events if isinstance(e, Notice)),
            last.error if isinstance(last, Failed) else "",
            self.earlier,
        )

    def images(self) -> list[ImageSaved]:
        """Wait for the end; the pictures."""
        return [event for event in self.events() if isinstance(event, ImageSaved)]


class JobQueue:
    def __init__(self, workers: list[Worker], save: Save, save_picture: SavePicture | None = None) -> None:
        self._save, self._save_picture = save, save_picture
        self._workers = workers
        self._waiting: list[Job] = []
        self._jobs: dict[str, Job] = {}
        self._ready = threading.Condition()
        for worker in workers:
            threading.Thread(target=self._serve, args=(worker,), name=worker.name, daemon=True).start()

    def catalog(self) -> Catalog:
        """What the workers can do; all workers see the same folders. May be out of date in the first seconds."""
        return self._workers[0].catalog()

    def fresh_catalog(self) -> Catalog:
        """The same, but waits until the first worker can say so."""
        return self._workers[0].fresh_catalog()

    def library(self) -> Library:
        """The files that prompts name, and checkpoints, as cards; all workers see the same folders."""
        return self._workers[0].library()

    def metadata(self, checkpoint: str) -> dict[str, str]:
        """What a checkpoint's file says of itself, pictures left out. Raises ModelNotFound."""
        return self._workers[0].metadata(checkpoint)

    def embedding_sizes(self, prompt: str) -> dict[str, int]:
        """How many tokens the vectors of each embedding take that a prompt may name."""
        return self._workers[0].embedding_sizes(prompt)

    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]:
        """By name; which of them this checkpoint can use. Raises ModelNotFound."""
        return self._workers[0].embeddings(checkpoint)

    def memory(self) -> dict[str, dict[str, Any]]:
        """ "ram" and "cuda" of the first worker, in bytes, under A1111's names."""
        return self._workers[0].memory()

    def submit(
        self, task: Task, preferences: Preferences, place: int | None = None, earlier: tuple[Saved, ...] = ()
    ) -> Job:
        """place: among those that wait, 0 = next, None = last. earlier: what the job adds its pictures to."""
        job = Job(task, preferences, earlier=earlier)
        with self._ready:
            ended = [old.id for old in self._jobs.values() if old.view().ended]
            for name in ended[: max(0, len(ended) - KEPT_JOBS)]:
                del self._jobs[name]
            self._jobs[job.id] = job
            self._waiting.insert(len(self._waiting) if place is None else max(place, 0), job)
            self._ready.notify()
            if self._waiting[0] is job:
                self._tell_next()
        return job

    def move(self, job: Job, place: int) -> None:
        """To this place among those that wait, 0 = next; a job that waits no more stays what it is."""
        with self._ready:
            if job in self._waiting:
                self._waiting.remove(job)
                self._waiting.insert(max(place, 0), job)
                self._tell_next()

    def withdraw(self, job: Job) -> int | None:
        """Take a job out before it runs; the place that it had, None for one that waits no more."""
        with self._ready:
            if job not in self._waiting:
                return None
            place = self._waiting.index(job)
            self._waiting.remove(job)
            self._tell_next()
        job.publish(Stopped())
        return place

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def list(self) -> list[Job]:
        """Oldest first: ended, running and waiting."""
        return list(self._jobs.values())

    def waiting(self) -> tuple[Job, ...]:
        """In the order in which they will run."""
        with self._ready:
            return tuple(self._waiting)

    def position(self, job: Job) -> int:
        """How many jobs are run before this one; 0 = it is next or running."""
        with self._ready:
            return self._waiting.index(job) if job in self._waiting else 0

    def stop(self, job: Job, level: Stop = Stop.NOW) -> None:
        if self.withdraw(job) is None:
            job.stop.request(level)

    def close(self) -> None:
        for job in self.list():
            self.stop(job)
        for worker in self._workers:
            worker.close()

    def _take(self) -> Job:
        """The oldest job; the place for priorities and for preferring a worker that holds the model."""
        with self._ready:
            self._ready.wait_for(lambda: bool(self._waiting))
            job = self._waiting.pop(0)
            self._tell_next()
            return job

    def _tell_next(self) -> None:
        for worker in self._workers:
            worker.prepare(self._waiting[0].task if self._waiting else None)

    def _serve(self, worker: Worker) -> None:
        while True:
            job = self._take()
            job.publish(Started(worker.name))
            try:
                worker.run(job.task, job.preferences, lambda event, job=job: self._publish(job, event), job.stop)
                ending = Finished()
            except Interrupted:
                ending = Stopped()
            except SduiError as error:
                log.error("job %s: %s", job.id[:8], error)
                ending = Failed(str(error), type(error).__name__)
            except Exception as error:  # the boundary: a job's failure is the job's, not the queue's
                log.exception("job %s failed", job.id[:8])
                ending = Failed(f"{type(error).__name__}: {error}", type(error).__name__)
            # Ended jobs stay readable for long, and these may be many photos.
            match job.task:
                case ExtrasRequest():
                    job.task = job.task.model_copy(update={"pictures": ()})
                case BatchRequest(source=source):
                    without = source.model_copy(update={"pictures": ()})
                    job.task = job.task.model_copy(update={"source": without})
                case _:
                    pass
            job.publish(ending)

    def _publish(self, job: Job, event: Event) -> None:
        """A picture is saved before anyone hears of it."""
        saving = None
        if isinstance(event, ImageReady):
            saving = self._save(event.image, job.preferences)
        elif isinstance(event, PictureReady) and self._save_picture:
            saving = self._save_picture(event, job.preferences)
        if saving:
            saved, warning = saving
            if warning:
                self._publish(job, Notice(warning))
            job.publish(saved)
            return
        if isinstance(event, Notice):
            log.warning("job %s: %s", job.id[:8], event.text)
        job.publish(event)
