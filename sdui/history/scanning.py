"""Keeps the index in step with the folders: a thread of the lowest priority that reads what is new in them."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sdui.core.threads import give_way

from .database import Database
from .entries import ENDINGS, Entry, Version, read_entry

log = logging.getLogger(__name__)

_BATCH = 50
"""Files that are written into the index at once; a picture that is saved or searched for waits as long."""
_PATIENCE = 5.0
"""Seconds that closing may take."""


class Reading(NamedTuple):
    """How far a look through the folders has got with the files that are new or have changed."""

    done: int
    total: int


@dataclass(frozen=True)
class Places:
    """Where pictures are, and what they are called in the index."""

    root: Path
    """The data folder, absolute and without links."""
    folders: Callable[[], Iterable[Path]]
    """Absolute and without links; the settings may change them."""

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def path(self, name: str) -> Path:
        return self.root / name

    def holds(self, path: Path) -> bool:
        """Whether this file, wherever links on the way lead, is in one of the folders."""
        try:
            real = path.resolve(strict=True)
        except OSError:
            return False
        return any(real.is_relative_to(folder) for folder in self.folders())

    def files(self) -> Iterator[tuple[Path, Version]]:
        """Every picture. Links and hidden files are passed over, and what cannot be read."""
        waiting = list(self.folders())
        while waiting:
            with suppress(OSError), os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not _is_text(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.name.lower().endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        yield Path(entry.path), (stat.st_size, stat.st_mtime_ns)


class Scanner:
    """One thread; it looks once after the start, and whenever it is told to."""

    def __init__(
        self,
        database: Database,
        places: Places,
        favourites: Callable[[], Iterable[str]],
        forget: Callable[[Iterable[int]], None],
    ) -> None:
        """`forget` hears the ids of rows that went."""
        self._database, self._places = database, places
        self._favourites, self._forget = favourites, forget
        self._reading: Reading | None = None
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def reading(self) -> Reading | None:
        """None while the index is as new as the last look; 0 of 0 while a look begins."""
        return self._reading

    def start(self, after: float = 0.0) -> None:
        """after: seconds until the first look, unless it is wanted sooner."""
        self._thread = threading.Thread(target=self._run, args=(after,), name="history", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Soon, in the thread."""
        if self._thread and not self._closing.is_set():
            self._reading = self._reading or Reading(0, 0)
        self._wanted.set()

    def scan(self) -> None:
        """Look through all folders now. Raises sqlite3.Error."""
        try:
            self._scan()
        finally:
            self._reading = None

    def close(self) -> None:
        """Waits until no file is being read, but not long: a disk that does not answer holds nothing up."""
        self._closing.set()
        self._wanted.set()
        if self._thread:
            self._thread.join(_PATIENCE)

    def _run(self, after: float) -> None:
        give_way()
        self._wanted.wait(after)
        while not self._closing.is_set():
            self._wanted.clear()
            try:
                self.scan()
            except sqlite3.DatabaseError as error:
                log.warning("The index of pictures cannot be used: %s", error)
            self._wanted.wait()

    def _scan(self) -> None:
        self._reading = Reading(0, 0)
        favourites = frozenset(self._favourites())
        self._database.mark(favourites)
        known = self._database.versions()
        new: list[tuple[int, str, Path]] = []
        for path, version in self._places.files():
            if self._closing.is_set():
                return
            name = self._places.name(path)
            if known.pop(name, None) != version:
                new.append((version[1], name, path))
        self._forget(self._database.remove(known))
        new.sort(reverse=True)  # the newest are looked at first
        self._reading = Reading(0, len(new))
        for first in range(0, len(new), _BATCH):
            batch = new[first : first + _BATCH]
            entries = list(self._entries((name, path) for _, name, path in reversed(batch)))
            if self._closing.is_set():
                return
            self._forget(self._database.put(entries, favourites))
            self._reading = Reading(first + len(batch), len(new))

    def _entries(self, files: Iterable[tuple[str, Path]]) -> Iterator[Entry]:
        """Without those that went or cannot be read."""
        for name, path in files:
            if self._closing.is_set():
                return
            with suppress(OSError):
                yield read_entry(path, name)


def _is_text(name: str) -> bool:
    """Names that are no text, as broken programs leave them, can be neither stored nor shown."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
