"""The queue on disk: what waits, what ran when the server was killed, and what the last jobs have made."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from pydantic import ValidationError, create_model

from sdui.core.events import (
    Cell,
    Event,
    Failed,
    Finished,
    ImageSaved,
    Last,
    ModelSaved,
    Notice,
    PictureSaved,
    Stopped,
)
from sdui.core.extras import ExtrasRequest
from sdui.core.files import put_aside
from sdui.core.merging import MergeRequest
from sdui.core.params import Params
from sdui.core.request import BatchRequest, GenerationRequest
from sdui.core.settings import SettingsFile

from .job import Job

log = logging.getLogger(__name__)

_FORM = 1
"""Of the tables; a file of another form is put aside."""
_KEPT = 2000
"""Ended jobs that stay in the file."""
_MOST_TRIES = 3
"""Ends of the server in the middle of a job, after which it is not tried again: it may take all memory."""
_TABLES = (
    "CREATE TABLE jobs (id TEXT PRIMARY KEY, kind TEXT, task TEXT, preferences TEXT, client TEXT, priority INTEGER, "
    "webhook TEXT, submitted REAL, rank REAL, state TEXT, tries INTEGER, ending TEXT)",
    "CREATE INDEX states ON jobs (state, submitted)",
    "CREATE TABLE events (job TEXT, place INTEGER, kind TEXT, event TEXT, PRIMARY KEY (job, place))",
    f"PRAGMA user_version = {_FORM}",
)
_COLUMNS = "id, kind, task, preferences, client, priority, webhook, submitted, rank, state, tries, ending"
_ENDINGS: dict[str, type[Last]] = {"finished": Finished, "stopped": Stopped, "failed": Failed}
_EVENTS: dict[str, type[Any]] = {one.__name__: one for one in (ImageSaved, PictureSaved, ModelSaved, Notice)}
"""Those that are kept."""


class Kept(NamedTuple):
    waiting: list[Job]
    """In the order in which they are to run."""
    ended: list[Job]
    """The oldest first."""


class Journal:
    """One server at a time writes it; a second one with the same data folder has none, and says so.

    A disk that is full costs the memory of jobs, never a job: what cannot be written is logged.
    """

    def __init__(
        self,
        path: Path,
        settings: SettingsFile,
        requests: type[GenerationRequest] = GenerationRequest,
        extras: type[ExtrasRequest] = ExtrasRequest,
    ) -> None:
        """requests, extras: the classes with the parameters of the extensions that are here."""
        self._settings = settings
        self._tasks: dict[str, type[Params]] = {
            "GenerationRequest": requests,
            "BatchRequest": create_model("BatchRequest", __base__=BatchRequest, request=(requests, ...)),
            "ExtrasRequest": extras,
            "MergeRequest": MergeRequest,
        }
        self._lock = threading.RLock()
        self._held = FileLock(path.with_name(f"{path.name}.lock"))
        self._database = self._opened(path)

    def load(self, ended: int) -> Kept:
        """What waits, and the last of those that have ended. Jobs that were running wait again, before all others."""
        kept = Kept([], [])
        with self._transaction() as database:
            if database is None:
                return kept
            database.execute(_FORGET, (_KEPT,))
            database.execute(
                "DELETE FROM events WHERE job NOT IN (SELECT id FROM jobs WHERE state NOT IN ('running', 'queued'))"
            )
            waiting = database.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE state IN ('running', 'queued') ORDER BY state = 'queued', rank"
            ).fetchall()
            last = database.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE state IN ('finished', 'stopped', 'failed') "
                "ORDER BY submitted DESC LIMIT ?",
                (ended,),
            ).fetchall()
            database.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'")
        kept.ended.extend(job for row in reversed(last) if (job := self._job(row)))
        for row in waiting:
            job = self._job(row)
            problem = "" if job else "It cannot be read any more: an extension or a version that it needs is gone."
            if row[10] >= _MOST_TRIES:
                problem = f"The server ended {row[10]} times while this was being done, so it is not tried again."
            if problem:
                self._end(row[0], Failed(problem))
                log.error("job %s: %s", row[0][:8], problem)
            elif job:
                kept.waiting.append(job)
        return kept

    def find(self, job_id: str) -> Job | None:
        """One that has ended; None where it is not known any more."""
        with self._transaction() as database:
            query = f"SELECT {_COLUMNS} FROM jobs WHERE id = ? AND state IN ('finished', 'stopped', 'failed')"
            row = database and database.execute(query, (job_id,)).fetchone()
        return self._job(row) if row else None

    def add(self, job: Job) -> None:
        """One that waits; those that cannot be done again after a start are left out."""
        if not self._keeps(job):
            return
        row = (job.id, _kind(job), _text(job.task), job.preferences.model_dump_json(), job.client, job.priority)
        with self._transaction() as database:
            if database:
                values = (*row, job.webhook, job.submitted, job.rank, "queued", 0, "")
                database.execute(f"INSERT OR REPLACE INTO jobs VALUES ({', '.join('?' * len(values))})", values)

    def change(self, jobs: Iterable[Job]) -> None:
        """Their tasks, priorities and ranks."""
        changed = [(_text(job.task), job.priority, job.rank, job.id) for job in jobs if self._keeps(job)]
        with self._transaction() as database:
            if database and changed:
                database.executemany("UPDATE jobs SET task = ?, priority = ?, rank = ? WHERE id = ?", changed)

    def start(self, job: Job) -> None:
        self._set(job, "UPDATE jobs SET state = 'running' WHERE id = ?", job.id)

    def try_once_more(self, job: Job) -> None:
        """The work itself has begun, which may be what ends the server."""
        self._set(job, "UPDATE jobs SET tries = tries + 1 WHERE id = ?", job.id)

    def give_back(self, job: Job) -> None:
        """It was begun, and is to be done again after the next start."""
        self._set(job, "UPDATE jobs SET state = 'queued', tries = max(tries - 1, 0) WHERE id = ?", job.id)

    def say(self, job: Job, event: Event) -> None:
        """Pictures, models and notices are kept."""
        kind = type(event).__name__
        if kind in _EVENTS:
            place = "(SELECT count(*) FROM events WHERE job = ?)"
            self._set(job, f"INSERT INTO events VALUES (?, {place}, ?, ?)", job.id, job.id, kind, _event_text(event))

    def end(self, job: Job, ending: Last) -> None:
        if self._keeps(job):
            self._end(job.id, ending, _text(job.task))

    def close(self) -> None:
        with self._lock:
            if self._database:
                self._database.close()
                self._database = None
            self._held.release()

    def _keeps(self, job: Job) -> bool:
        return job.durable and _kind(job) in self._tasks

    def _set(self, job: Job, statement: str, *values: Any) -> None:
        if self._keeps(job):
            with self._transaction() as database:
                if database:
                    database.execute(statement, values)

    def _end(self, job_id: str, ending: Last, task: str | None = None) -> None:
        with self._transaction() as database:
            if database:
                state, said = type(ending).__name__.lower(), json.dumps(asdict(ending))
                statement = "UPDATE jobs SET state = ?, ending = ?, task = coalesce(?, task) WHERE id = ?"
                database.execute(statement, (state, said, task, job_id))

    def _job(self, row: tuple[Any, ...]) -> Job | None:
        """None where it cannot be read, because an extension is gone."""
        job_id, kind, task, preferences, client, priority, webhook, submitted, rank, state, _, ending = row
        ended, current = state in _ENDINGS, self._settings.current
        try:
            job = Job(
                self._task(kind, task),
                # Nobody asks for those of a job that has ended, and reading them takes long.
                current if ended else self._settings.lenient(json.loads(preferences))[0],
                id=job_id,
                client=client,
                priority=priority,
                webhook=webhook,
                submitted=submitted,
                rank=rank,
            )
            for event in self._events(job_id):
                job.publish(event)
            if ended:
                job.publish(_ENDINGS[state](**json.loads(ending)))
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            log.warning("job %s cannot be read: %s", job_id[:8], str(error).splitlines()[0])
            return None
        return job

    def _task(self, kind: str, text: str) -> Any:
        task = self._tasks[kind].model_validate_json(text)
        return BatchRequest.model_construct(task.model_fields_set, **dict(task)) if kind == "BatchRequest" else task

    def _events(self, job_id: str) -> list[Event]:
        with self._transaction() as database:
            query = "SELECT kind, event FROM events WHERE job = ? ORDER BY place"
            rows: list[tuple[str, str]] = database.execute(query, (job_id,)).fetchall() if database else []
        return [self._event(kind, json.loads(text)) for kind, text in rows]

    def _event(self, kind: str, values: dict[str, Any]) -> Event:
        if kind == "ImageSaved":
            values["request"] = self._tasks["GenerationRequest"].model_validate(values["request"])
            values["cells"] = tuple(Cell(**cell) for cell in values["cells"])
        return _EVENTS[kind](**values)

    def _opened(self, path: Path) -> sqlite3.Connection | None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._held.acquire(timeout=0)
            try:
                return _connect(path)
            except (sqlite3.DatabaseError, ValueError) as error:
                log.warning("%s cannot be read (%s)%s.", path, error, put_aside(path))
                return _connect(path)
        except Timeout:
            log.warning("%s is another server's: what waits here is forgotten when this server ends.", path)
        except (OSError, sqlite3.Error) as error:
            log.warning("%s cannot be used, so what waits is forgotten when the server ends: %s", path, error)
        return None

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection | None]:
        """The database, None without one. What cannot be written is logged."""
        with self._lock:
            try:
                if self._database is None:
                    yield None
                else:
                    with self._database:
                        yield self._database
            except sqlite3.Error as error:
                log.warning("The queue cannot be written down: %s", error)


_FORGET = (
    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('finished', 'stopped', 'failed') "
    "ORDER BY submitted DESC LIMIT -1 OFFSET ?)"
)


def _kind(job: Job) -> str:
    return type(job.task).__name__


def _text(task: Params) -> str:
    """What was left unsaid stays unsaid."""
    return task.model_dump_json(exclude_unset=True)


def _event_text(event: Event) -> str:
    if not isinstance(event, ImageSaved):
        return json.dumps(asdict(event))
    request = event.request.model_dump(mode="json", exclude_unset=True)
    if init := request.get("init"):
        # Each picture would have a copy; the job's task has them.
        init["image"] = ""
        if init.get("inpaint"):
            init["inpaint"]["mask"] = ""
    cells = [asdict(cell) for cell in event.cells]
    values = {"path": event.path, "infotext": event.infotext, "kind": event.kind, "shown": event.shown}
    return json.dumps(values | {"request": request, "cells": cells})


def _connect(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error, ValueError for tables of another form."""
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; a power cut may lose the last moment.
        database.execute("PRAGMA synchronous = NORMAL")
        (form,) = database.execute("PRAGMA user_version").fetchone()
        if form not in (0, _FORM):
            raise ValueError(f"its form is {form}, not {_FORM}")
        if not form:
            with database:
                for statement in _TABLES:
                    database.execute(statement)
    except (sqlite3.Error, ValueError):
        database.close()
        raise
    return database
