"""The catalog of the last start, so that the page can be shown while this start still reads the folders."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ValidationError

from sdui.core.catalog import Catalog
from sdui.core.files import write_atomic

log = logging.getLogger(__name__)


class _Remembered(BaseModel):
    of: str
    """What the catalog depends on besides the files."""
    catalog: Catalog


class CatalogMemory:
    """A small JSON file. One that is damaged, or of another server, is as good as none."""

    def __init__(self, path: Path, of: str) -> None:
        """of: differs between servers that have different catalogs."""
        self._path = path
        self._of = of
        self._writing = Lock()
        self._kept = self._read()

    @property
    def catalog(self) -> Catalog | None:
        return self._kept

    def keep(self, catalog: Catalog) -> None:
        """Write it down if it is news. That it cannot be written is logged: the next start only takes longer."""
        catalog = replace(catalog, hashing=None)
        with self._writing:
            if catalog != self._kept:
                self._write(_Remembered(of=self._of, catalog=catalog).model_dump_json())
                self._kept = catalog

    def _write(self, text: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, text.encode())
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror or error)

    def _read(self) -> Catalog | None:
        try:
            found = _Remembered.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None
        return found.catalog if found.of == self._of else None
