"""What is known of model files, kept between starts: hashes, metadata, family. Lost, it is only made again."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from .hashes import Hashes
from .scan import Version

log = logging.getLogger(__name__)

_FORM = 1
"""Of the tables; an index of another form is made anew."""
_PATIENCE = 10
"""Seconds to wait for another process that writes."""
_TABLES = (
    "CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, described TEXT, alias TEXT, "
    "sha256 TEXT, autov1 TEXT, autov3 TEXT, declared TEXT, legacy TEXT)",
    "CREATE TABLE metadata (path TEXT PRIMARY KEY, packed BLOB)",
    f"PRAGMA user_version = {_FORM}",
)


@dataclass(frozen=True, slots=True)
class Record:
    """Of one version of one file."""

    version: Version
    described: str = ""
    """What a header told; who looks at headers knows its form. "" = nobody looked yet."""
    alias: str = ""
    """What its maker called it."""
    hashes: Hashes = field(default_factory=Hashes)


@dataclass(frozen=True, slots=True)
class Learned:
    """What is new of a file: some of a record's fields, some of its hashes, its metadata."""

    path: str
    version: Version
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, str] | None = None


class Index:
    """By path, size and time of change. Any thread may use it; all but metadata is held in memory, and so quick to ask.

    Two servers may share the file. Where it cannot be written, what is learned lasts as long as the server.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it and its folder, when it is first asked."""
        self._path = path
        self._lock = threading.RLock()
        self._records: dict[str, Record] | None = None
        self._database: sqlite3.Connection | None = None

    def get(self, path: str, version: Version) -> Record:
        """An empty record when nothing is known of this version."""
        record = self._all().get(path)
        return record if record and record.version == version else Record(version)

    def learn(self, news: Iterable[Learned]) -> None:
        """All of it in one transaction, beside what is known of the same version."""
        with self._lock:
            news = list(news)
            for new in news:
                known = self.get(new.path, new.version)
                hashes = replace(known.hashes, **new.hashes)
                self._all()[new.path] = replace(known, hashes=hashes, **new.fields)
            self._write(news)

    def metadata(self, path: str, version: Version) -> dict[str, str] | None:
        """None when it was not learned or the index cannot be read."""
        with self._lock, suppress(sqlite3.Error, zlib.error, ValueError):
            if self._all().get(path, Record((-1, -1))).version == version and self._database:
                row = self._database.execute("SELECT packed FROM metadata WHERE path = ?", (path,)).fetchone()
                return json.loads(zlib.decompress(row[0])) if row else None
        return None

    def close(self) -> None:
        with self._lock, suppress(sqlite3.Error):
            if self._database:
                self._database.close()
            self._database = None

    def _all(self) -> dict[str, Record]:
        if self._records is None:
            with self._lock:
                self._records = self._opened() if self._records is None else self._records
        return self._records

    def _opened(self) -> dict[str, Record]:
        """A damaged file is removed, and made again empty; one that others hold or that must not be written is left."""
        try:
            try:
                return self._read()
            except sqlite3.OperationalError:
                raise
            except (sqlite3.DatabaseError, TypeError, ValueError):
                self._remove()
                return self._read()
        except (OSError, sqlite3.Error) as error:
            log.warning("%s cannot be used, so what is found out lasts until the end: %s", self._path, error)
            return {}

    def _read(self) -> dict[str, Record]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._database = _connect(self._path)
        try:
            return _records(self._database)
        except (sqlite3.Error, TypeError, ValueError):
            self.close()
            raise

    def _write(self, news: list[Learned]) -> None:
        # The name of a file may hold bytes that are no text; what is known of it lasts until the end.
        news = [new for new in news if new.path.encode(errors="ignore").decode() == new.path]
        if self._database is None or not news:
            return
        rows = [(new.path, *_row(self._all()[new.path])) for new in news]
        packed = [(new.path, _packed(new.metadata)) for new in news if new.metadata is not None]
        try:
            with self._database as database:
                database.executemany(f"INSERT OR REPLACE INTO files VALUES ({', '.join('?' * len(rows[0]))})", rows)
                database.executemany("INSERT OR REPLACE INTO metadata VALUES (?, ?)", packed)
        except sqlite3.Error as error:
            log.warning("%s cannot be written, so what is found out lasts until the end: %s", self._path, error)
            self.close()

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    database = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        (form,) = database.execute("PRAGMA user_version").fetchone()
        if form != _FORM:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("DROP TABLE IF EXISTS files")
                database.execute("DROP TABLE IF EXISTS metadata")
                for statement in _TABLES:
                    database.execute(statement)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _records(database: sqlite3.Connection) -> dict[str, Record]:
    rows = database.execute("SELECT * FROM files")
    return {
        path: Record((size, mtime), described, alias, Hashes(*hashes))
        for path, size, mtime, described, alias, *hashes in rows
    }


def _row(record: Record) -> tuple[Any, ...]:
    return (*record.version, record.described, record.alias, *astuple(record.hashes))


def _packed(metadata: Mapping[str, str]) -> bytes:
    return zlib.compress(json.dumps(dict(metadata), ensure_ascii=False).encode(errors="replace"), 1)
