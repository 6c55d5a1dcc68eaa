"""Pictures that must not be deleted, in a file of their own: the index can be made again, this could not."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from sdui.core.errors import OutputError
from sdui.core.files import write_atomic

log = logging.getLogger(__name__)

_PATIENCE = 10
"""Seconds to wait for another server that writes."""
_CONTENT = TypeAdapter(dict[str, Any])
_NAMES = TypeAdapter(list[str])
_KEY = "pictures"


class Favourites:
    """Names of pictures as the index has them. Any thread may use it, and two servers the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def names(self) -> frozenset[str]:
        """Without a file there are none; a damaged one is put aside, so that nothing is lost with it."""
        try:
            return frozenset(self._read())
        except OSError as error:
            log.warning("%s cannot be read, so no picture is a favourite: %s", self._path, error)
            return frozenset()

    def change(self, name: str, favourite: bool) -> None:
        """Raises OutputError when it cannot be written; nothing has changed then."""
        try:
            with self._lock, FileLock(self._path.with_name(f".{self._path.name}.lock"), timeout=_PATIENCE):
                names = set(self._read())
                (names.add if favourite else names.discard)(name)
                self._write(names)
        except OSError as error:  # a lock that does not come is one as well
            raise OutputError(f"Favourites: {self._path} cannot be written: {error.strerror or error}.") from error

    def _read(self) -> list[str]:
        """Raises OSError."""
        if not self._path.exists():
            return []
        data = self._path.read_bytes()
        try:
            return _NAMES.validate_python(_CONTENT.validate_json(data)[_KEY])
        except (ValidationError, KeyError) as error:
            aside = self._path.with_name(f"{self._path.name}.damaged")
            log.warning("%s is damaged and was put aside as %s: %s", self._path, aside.name, error)
            self._path.replace(aside)
            return []

    def _write(self, names: Iterable[str]) -> None:
        write_atomic(self._path, json.dumps({_KEY: sorted(names)}, indent=1, ensure_ascii=False).encode())
