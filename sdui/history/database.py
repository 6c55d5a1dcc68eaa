"""The index's file: a row for each picture, and its words for SQLite's full-text search. Lost, it is made anew.

Rows are numbered by the time of their files, so that the newest matches are found without looking at the others.

Any thread may use it. Two servers may share the file. Where it cannot be written, it is in memory instead.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from .entries import Entry, Version
from .search import Search

log = logging.getLogger(__name__)

_FORM = 1
"""Of the tables; an index of another form is made anew."""
_PATIENCE = 10
"""Seconds to wait for another process that writes."""
_NAMES = ("pictures", "words")
_TABLES = (
    "CREATE TABLE pictures (place INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, "
    "size INTEGER NOT NULL, mtime INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, seed INTEGER, "
    "favourite INTEGER NOT NULL)",
    "CREATE INDEX seeds ON pictures (seed)",
    "CREATE INDEX favourites ON pictures (favourite) WHERE favourite = 1",
    "CREATE VIRTUAL TABLE words USING fts5 (prompt, negative, model, loras, sampler, name, prefix='1 2 3', "
    "tokenize='unicode61 remove_diacritics 2')",
    f"PRAGMA user_version = {_FORM}",
)
_MOMENT = 10**6
"""Nanoseconds."""
_BEGINNING = 160
"""Characters of a prompt that name a picture in a list."""


class Row(NamedTuple):
    """A picture as lists show it."""

    id: int
    name: str
    size: int
    """Bytes."""
    mtime: int
    """Nanoseconds."""
    width: int
    height: int
    favourite: bool
    prompt: str
    """Its beginning."""

    @property
    def version(self) -> Version:
        return self.size, self.mtime


class Found(NamedTuple):
    total: int
    rows: list[Row]


class Database:
    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it and its folder, when it is first asked."""
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def find(self, search: Search, offset: int, count: int) -> Found:
        """The newest first. Raises sqlite3.Error."""
        table = "words" if search.match else "pictures"
        conditions = (["words MATCH ?"] if search.match else []) + list(search.conditions)
        values = ([search.match] if search.match else []) + list(search.values)
        where = f"FROM {table} WHERE {' AND '.join(conditions)}" if conditions else f"FROM {table}"
        page = f"SELECT rowid {where} ORDER BY rowid DESC LIMIT ? OFFSET ?"
        with self._transaction() as connection:
            (total,) = connection.execute(f"SELECT count(*) {where}", values).fetchone()
            rows = connection.execute(f"{_ROWS} WHERE place IN ({page}) ORDER BY place DESC", [*values, count, offset])
            return Found(total, [_row(row) for row in rows])

    def get(self, id: int) -> Row | None:
        """Any number may be asked for. Raises sqlite3.Error."""
        if not 0 <= id < 2**63:
            return None
        with self._transaction() as connection:
            row = connection.execute(f"{_ROWS} WHERE id = ?", (id,)).fetchone()
        return _row(row) if row else None

    def versions(self) -> dict[str, Version]:
        """Of every picture, by name. Raises sqlite3.Error."""
        with self._transaction() as connection:
            return {name: (size, mtime) for name, size, mtime in connection.execute(_VERSIONS)}

    def put(self, entries: Iterable[Entry], favourites: Iterable[str] = ()) -> list[int]:
        """In place of what was known under the same names; the ids that went. Raises sqlite3.Error."""
        entries, starred = list({entry.name: entry for entry in entries}.values()), set(favourites)
        with self._transaction() as connection:
            gone = set(self._remove(connection, (entry.name for entry in entries)))
            for e in entries:
                place = _free_place(connection, e.version[1])
                picture = (place, e.id, e.name, *e.version, e.width, e.height, e.seed, e.name in starred)
                connection.execute(f"INSERT INTO pictures VALUES ({', '.join('?' * len(picture))})", picture)
                words = (place, e.prompt, e.negative, e.model, e.loras, e.sampler, e.name.rpartition("/")[2])
                connection.execute(_PUT_WORDS, words)
        return list(gone.difference(entry.id for entry in entries))

    def remove(self, names: Iterable[str]) -> list[int]:
        """The ids that went. Raises sqlite3.Error."""
        with self._transaction() as connection:
            return self._remove(connection, names)

    def mark(self, favourites: Iterable[str]) -> None:
        """These, and no others, are favourites. Raises sqlite3.Error."""
        with self._transaction() as connection:
            connection.execute("UPDATE pictures SET favourite = 0 WHERE favourite = 1")
            starred = [(name,) for name in favourites]
            connection.executemany("UPDATE pictures SET favourite = 1 WHERE name = ?", starred)

    def renew(self) -> None:
        """Begin with an empty file, because this one was found to be damaged."""
        with self._lock:
            self.close()
            self._remove_file()

    def close(self) -> None:
        with self._lock, suppress(sqlite3.Error):
            if self._connection:
                self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._connection = connection = self._connection or self._opened()
            with connection:
                yield connection

    def _remove(self, connection: sqlite3.Connection, names: Iterable[str]) -> list[int]:
        gone: list[int] = []
        for name in names:
            deleted = connection.execute("DELETE FROM pictures WHERE name = ? RETURNING place, id", (name,)).fetchall()
            for place, id in deleted:
                connection.execute("DELETE FROM words WHERE rowid = ?", (place,))
                gone.append(id)
        return gone

    def _opened(self) -> sqlite3.Connection:
        """A damaged file is removed, and made again empty; one that others hold or that must not be written is left."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return _connect(str(self._path))
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._remove_file()
                return _connect(str(self._path))
        except (OSError, sqlite3.OperationalError) as error:
            log.warning("%s cannot be used, so the pictures are looked through at every start: %s", self._path, error)
            return _connect(":memory:")

    def _remove_file(self) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


_ROWS = (
    "SELECT id, pictures.name, size, mtime, width, height, favourite, "
    f"(SELECT substr(prompt, 1, {_BEGINNING}) FROM words WHERE rowid = place) FROM pictures"
)
_PUT_WORDS = "INSERT INTO words (rowid, prompt, negative, model, loras, sampler, name) VALUES (?, ?, ?, ?, ?, ?, ?)"
_VERSIONS = "SELECT name, size, mtime FROM pictures"


def _row(row: tuple[Any, ...]) -> Row:
    id, name, size, mtime, width, height, favourite, prompt = row
    return Row(id, name, size, mtime, width, height, bool(favourite), prompt or "")


def _free_place(connection: sqlite3.Connection, mtime: int) -> int:
    """Pictures of the same moment stand behind each other in the order in which they came."""
    among = (mtime, mtime + _MOMENT)
    (last,) = connection.execute("SELECT max(place) FROM pictures WHERE place BETWEEN ? AND ?", among).fetchone()
    return mtime if last is None else last + 1


def _connect(path: str) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    database = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        (form,) = database.execute("PRAGMA user_version").fetchone()
        there = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if form != _FORM or not there.issuperset(_NAMES):
            with database:
                database.execute("BEGIN IMMEDIATE")
                for name in _NAMES:
                    database.execute(f"DROP TABLE IF EXISTS {name}")
                for statement in _TABLES:
                    database.execute(statement)
    except sqlite3.Error:
        database.close()
        raise
    return database
