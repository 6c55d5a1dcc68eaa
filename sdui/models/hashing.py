"""Hashes model files in the background, so that old pictures find their files by hash before these were ever used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from sdui.core.catalog import Hashing
from sdui.core.errors import ModelFileError
from sdui.core.events import Emit, Notice, Progress, StopToken
from sdui.core.threads import give_way

from .files import ModelFiles

log = logging.getLogger(__name__)

_PERIOD = 60.0
"""Seconds between two looks for files that have come while the server runs."""
_PATIENCE = 2.0
"""Seconds that closing may take."""


class _Closing(Exception): ...


class BackgroundHashing:
    """One thread of the lowest priority, which rests, within some kilobytes, while there is better to do."""

    def __init__(self, files: ModelFiles) -> None:
        self._files = files
        self._progress: Hashing | None = None
        self._closing = threading.Event()
        self._free = threading.Condition()
        self._busy = 0
        self._hopeless: set[str] = set()
        self._thread: threading.Thread | None = None

    @property
    def progress(self) -> Hashing | None:
        """None while nothing is hashed; 0 of 0 before the first look."""
        return self._progress

    def start(self, after: float = 0.0) -> None:
        """after: seconds until the first look."""
        self._progress = Hashing(0, 0)
        self._thread = threading.Thread(target=self._run, args=(after,), name="hashing", daemon=True)
        self._thread.start()

    @contextmanager
    def resting(self) -> Generator[None]:
        """No file is read in here but the few kilobytes under way."""
        with self._free:
            self._busy += 1
        try:
            yield
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify_all()

    def close(self) -> None:
        """Waits until no file is being read, but not long: a disk that does not answer holds nothing up."""
        with self._free:
            self._closing.set()
            self._free.notify_all()
        if self._thread:
            self._thread.join(_PATIENCE)

    def _run(self, after: float) -> None:
        give_way()
        wait = after
        try:
            while not self._closing.wait(wait):
                self._files.read_metadata(self._go_on)
                self._hash_all()
                self._progress, wait = None, _PERIOD
        except _Closing:
            pass
        finally:
            self._progress = None

    def _hash_all(self) -> None:
        files = [file for file in self._files.unhashed() if file.key not in self._hopeless]
        for done, file in enumerate(files):
            self._progress = Hashing(done, len(files))
            self._go_on()
            try:
                self._files.hash_of(file, self._go_on)
            except ModelFileError as error:
                log.warning("Not hashed: %s", error)
                self._hopeless.add(file.key)

    def _go_on(self) -> None:
        """Waits while there is better to do."""
        with self._free:
            self._free.wait_for(lambda: not self._busy or self._closing.is_set())
        if self._closing.is_set():
            raise _Closing


def hash_all(files: ModelFiles, emit: Emit, stop: StopToken) -> None:
    """At once, while nothing else is done. Says how far it is, which files cannot be read and how many were hashed."""
    unhashed = files.unhashed()
    hashed = 0
    for done, file in enumerate(unhashed):
        emit(Progress("Hashing model files", done + 1, len(unhashed), done / len(unhashed)))
        try:
            files.hash_of(file, stop.check)
            hashed += 1
        except ModelFileError as error:
            emit(Notice(f"Not hashed: {error}"))
    emit(Notice(f"Calculated the hashes of {hashed} model files." if hashed else "All hashes are known already."))
