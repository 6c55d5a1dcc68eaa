"""A job: one task in the queue, what it has said so far, and how it looks at one moment."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sdui.core.events import (
    Described,
    Event,
    Failed,
    Finished,
    ImageSaved,
    Last,
    ModelSaved,
    Notice,
    PictureSaved,
    Preview,
    Progress,
    Stopped,
    StopToken,
)
from sdui.core.request import Task
from sdui.core.settings import Preferences

Saved = ImageSaved | PictureSaved


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
    error_kind: str = ""
    """Its class, as `core.errors` has them."""
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

    Progress and previews are kept only until the next one, previews until the end; everything else is kept.
    """

    task: Task
    preferences: Preferences
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    client: str = ""
    """Who asked for it; those who wait get turns."""
    priority: int = 0
    """The higher goes first."""
    webhook: str = ""
    """Who is to be told of the end."""
    submitted: float = field(default_factory=time.time)
    stop: StopToken = field(default_factory=StopToken)
    earlier: tuple[Saved, ...] = ()
    """Pictures that this job adds its own to."""
    durable: bool = True
    """Whether it outlives the server; False where nobody could come back for what it makes."""
    counted: bool = False
    """Whether this try has been counted."""
    rank: float = 0.0
    """Among those that wait, lowest first; what the order is written down with."""
    _log: list[tuple[int, Event]] = field(default_factory=list[tuple[int, Event]])
    _version: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _watchers: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def publish(self, event: Event) -> None:
        with self._changed:
            dropped = Preview if isinstance(event, Last) else type(event)
            if isinstance(event, Progress | Preview | Last):
                self._log = [entry for entry in self._log if not isinstance(entry[1], dropped)]
            self._version += 1
            self._log.append((self._version, event))
            self._changed.notify_all()
            watchers = tuple(self._watchers)
        for watcher in watchers:
            watcher()

    def events(self, after: int = 0) -> Iterator[Event]:
        """Every event later than version `after`, waiting for more until the job has ended."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda at=after: self._version > at or self.ended)
            fresh = self.since(after)
            if not fresh:
                return
            for version, event in fresh:
                after = version
                yield event
                if isinstance(event, Last):
                    return

    def since(self, after: int) -> list[tuple[int, Event]]:
        """The events later than version `after` that there are now, with their versions."""
        with self._changed:
            return [entry for entry in self._log if entry[0] > after]

    @contextmanager
    def watched(self, changed: Callable[[], None]) -> Generator[None]:
        """`changed` is called, in any thread, after every event."""
        with self._changed:
            self._watchers.append(changed)
        try:
            yield
        finally:
            with self._changed:
                self._watchers.remove(changed)

    @property
    def ended(self) -> bool:
        with self._changed:
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
            last.kind if isinstance(last, Failed) else "",
            self.earlier,
        )

    def images(self) -> list[ImageSaved]:
        """Wait for the end; the pictures."""
        return [event for event in self.events() if isinstance(event, ImageSaved)]
