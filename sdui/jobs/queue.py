"""The queue: one thread per worker takes jobs, runs them and publishes what they say."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from sdui.core.catalog import Catalog
from sdui.core.errors import Interrupted, RequestError, SduiError
from sdui.core.events import (
    Emit,
    Event,
    Failed,
    Finished,
    GeneratedImage,
    ImageReady,
    ImageSaved,
    Last,
    Notice,
    PictureReady,
    PictureSaved,
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

from .job import Job, Saved
from .journal import Journal
from .turns import place_for, rank_at

log = logging.getLogger(__name__)

KEPT_JOBS = 200
"""Ended jobs that stay in memory; a journal has more."""
_READ_AT_START = 50
"""Of those that had ended before the start."""


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


Save = Callable[[GeneratedImage, Preferences], tuple[ImageSaved, str]]
"""Writes a picture; returns what readers are told, and a warning or ""."""
SavePicture = Callable[[PictureReady, Preferences], tuple[PictureSaved, str]]
"""The same for what the Extras tab makes."""


class JobQueue:
    def __init__(
        self, workers: list[Worker], save: Save, save_picture: SavePicture | None = None, journal: Journal | None = None
    ) -> None:
        """journal: what is in it waits again, and what is done here is written into it."""
        self._save, self._save_picture = save, save_picture
        self._workers = workers
        self._journal = journal
        self._waiting: list[Job] = []
        self._jobs: dict[str, Job] = {}
        self._ended = deque[str]()
        """Ids, in the order in which they ended."""
        self._listeners: list[Callable[[Job], None]] = []
        self._closing = False
        self._ready = threading.Condition()
        if journal:
            kept = journal.load(_READ_AT_START)
            self._waiting = kept.waiting
            self._jobs = {job.id: job for job in (*kept.ended, *kept.waiting)}
            self._ended.extend(job.id for job in kept.ended)
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
        """As `add`, for a task. earlier: what the job adds its pictures to."""
        return self.add(Job(task, preferences, earlier=earlier), place)

    def add(self, job: Job, place: int | None = None) -> Job:
        """place: among those that wait, 0 = next, None = when its client's turn comes.

        Raises RequestError where a job of the same id has not ended yet.
        """
        with self._ready:
            if job.id in self._jobs:
                if not self._jobs[job.id].ended:
                    raise RequestError(f"force_task_id: a job {job.id!r} waits or runs already; choose another id.")
                self._ended.remove(job.id)
            while len(self._ended) > KEPT_JOBS:
                del self._jobs[self._ended.popleft()]
            self._jobs[job.id] = job
            self._insert(job, place)
            if self._journal:
                self._journal.add(job)
            self._ready.notify()
            if self._waiting[0] is job:
                self._tell_next()
        return job

    def move(self, job: Job, place: int) -> None:
        """To this place among those that wait, 0 = next; a job that waits no more stays what it is."""
        with self._ready:
            if job in self._waiting:
                self._waiting.remove(job)
                self._insert(job, place)
                self._changed(job)

    def edit(self, job: Job, *, task: Task | None = None, priority: int | None = None) -> bool:
        """Change what a waiting job asks for or how urgent it is; False for one that waits no more."""
        with self._ready:
            if job not in self._waiting:
                return False
            job.task = task or job.task
            if priority is not None and priority != job.priority:
                job.priority = priority
                self._waiting.remove(job)
                self._insert(job, None)
            self._changed(job)
        return True

    def withdraw(self, job: Job) -> int | None:
        """Take a job out before it runs; the place that it had, None for one that waits no more."""
        with self._ready:
            if job not in self._waiting:
                return None
            place = self._waiting.index(job)
            self._waiting.remove(job)
            self._tell_next()
        self._end(job, Stopped())
        return place

    def when_ended(self, listener: Callable[[Job], None]) -> None:
        """`listener` is called, in any thread, with each job that has ended; it must return at once."""
        self._listeners.append(listener)

    def get(self, job_id: str) -> Job | None:
        """None for one that is not known, or not any more."""
        return self._jobs.get(job_id) or (self._journal.find(job_id) if self._journal else None)

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
        """What waits and what runs is done after the next start, where there is a journal; here it is stopped."""
        with self._ready:
            self._closing = True
        for job in self.list():
            self.stop(job)
            if self._journal and not job.ended:
                self._journal.give_back(job)
        for worker in self._workers:
            worker.close()
        if self._journal:
            self._journal.close()

    def _take(self) -> Job:
        """The first job; the place for preferring a worker that holds the model."""
        with self._ready:
            self._ready.wait_for(lambda: bool(self._waiting))
            job = self._waiting.pop(0)
            self._tell_next()
            return job

    def _insert(self, job: Job, place: int | None) -> None:
        at = place_for(job, self._waiting) if place is None else min(max(place, 0), len(self._waiting))
        rank = rank_at(at, self._waiting)
        self._waiting.insert(at, job)
        if rank is not None:
            job.rank = rank
            return
        for number, waiting in enumerate(self._waiting):
            waiting.rank = number
        if self._journal:
            self._journal.change(self._waiting)

    def _changed(self, job: Job) -> None:
        if self._journal:
            self._journal.change([job])
        self._tell_next()

    def _tell_next(self) -> None:
        for worker in self._workers:
            worker.prepare(self._waiting[0].task if self._waiting else None)

    def _serve(self, worker: Worker) -> None:
        while True:
            job = self._take()
            if self._journal:
                self._journal.start(job)
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
            self._end(job, ending)

    def _end(self, job: Job, ending: Last) -> None:
        if self._journal and self._closing and isinstance(ending, Stopped):
            self._journal.give_back(job)
        elif self._journal:
            self._journal.end(job, ending)
        with self._ready:
            self._ended.append(job.id)
        job.publish(ending)
        for listener in self._listeners:
            listener(job)

    def _say(self, job: Job, event: Event) -> None:
        if self._journal:
            self._journal.say(job, event)
        job.publish(event)

    def _publish(self, job: Job, event: Event) -> None:
        """A picture is saved before anyone hears of it."""
        if self._journal and not job.counted and isinstance(event, Progress) and not event.stage.startswith("Loading"):
            job.counted = True
            self._journal.try_once_more(job)
        saving = None
        if isinstance(event, ImageReady):
            saving = self._save(event.image, job.preferences)
        elif isinstance(event, PictureReady) and self._save_picture:
            saving = self._save_picture(event, job.preferences)
        if saving:
            saved, warning = saving
            if warning:
                self._publish(job, Notice(warning))
            self._say(job, saved)
            return
        if isinstance(event, Notice):
            log.warning("job %s: %s", job.id[:8], event.text)
        self._say(job, event)
