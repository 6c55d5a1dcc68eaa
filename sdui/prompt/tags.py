"""Lists of tags to complete words from: CSV files of the user's, a tag a line.

The columns are A1111's tag completion's: name, type (a number), how many pictures have it, and other names for it,
quoted and separated by commas. Only the name is needed.
"""

from __future__ import annotations

import csv
import heapq
import logging
import re
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_SHORT = 3
"""Tags of so many characters are faces, ^_^, in which an underscore is no space."""


class Tag(NamedTuple):
    name: str
    """As in the file, with underscores."""
    pictures: int
    """That have it."""

    @property
    def text(self) -> str:
        """As it stands in a prompt, where a bare bracket would be emphasis."""
        spaced = self.name if len(self.name) <= _SHORT else self.name.replace("_", " ")
        return spaced.replace("(", r"\(").replace(")", r"\)")


class Found(NamedTuple):
    tag: Tag
    alias: str
    """The other name that begins so; "" where the tag's own does."""


class Tags:
    """Immutable after construction. A search takes as long as there are tags that begin so."""

    def __init__(self, tags: Iterable[tuple[Tag, Sequence[str]]] = ()) -> None:
        """With their other names; of two with one name the first counts."""
        entries: list[tuple[str, Found]] = []
        seen: set[str] = set()
        for tag, aliases in tags:
            key = _key(tag.name)
            if key not in seen:
                seen.add(key)
                entries.append((key, Found(tag, "")))
                entries += [(_key(alias), Found(tag, alias)) for alias in aliases if alias]
        entries.sort(key=lambda entry: entry[0])
        self._keys = [key for key, _ in entries]
        self._found = [found for _, found in entries]

    def find(self, text: str, limit: int) -> list[Found]:
        """Tags whose name, or another name for it, begins so; popular ones first, each once."""
        wanted = _key(text)
        if not wanted:
            return []
        begin, end = bisect_left(self._keys, wanted), bisect_left(self._keys, wanted + "\U0010ffff")
        places = range(begin, end)
        # A tag may have several names that begin so.
        best = heapq.nlargest(
            4 * limit, places, key=lambda at: (self._found[at].tag.pictures, not self._found[at].alias)
        )
        once: dict[Tag, Found] = {}
        for found in (self._found[at] for at in best):
            once.setdefault(found.tag, found)
        return list(once.values())[:limit]


_FIRST = 1.0
"""Seconds that the first question may take."""


class TagLibrary:
    """The tags of a folder, read in the background; what was there before answers until that is done.

    Where nothing was there before, as after a start, the first question waits a moment for an answer.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._reading = False
        self._done = threading.Event()
        self._read: tuple[list[tuple[Path, int, int]], Tags] = [], Tags()

    def now(self) -> Tags:
        """What is known; begins to read the files where they have changed."""
        files = self._files()
        with self._lock:
            known, tags = self._read
            if known != files and not self._reading:
                self._reading = True
                threading.Thread(target=self._read_again, args=(files,), name="tags", daemon=True).start()
        if files and not known:
            self._done.wait(_FIRST)
            return self._read[1]
        return tags

    def _files(self) -> list[tuple[Path, int, int]]:
        try:
            found = [(path, path.stat()) for path in sorted(self._folder.glob("*.csv"))]
        except OSError:
            return []
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in found]

    def _read_again(self, files: list[tuple[Path, int, int]]) -> None:
        try:
            tags = Tags(row for path, *_ in files for row in _rows(path))
            with self._lock:
                self._read = files, tags
        finally:
            with self._lock:
                self._reading = False
            self._done.set()


def _rows(path: Path) -> Iterator[tuple[Tag, Sequence[str]]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            for row in csv.reader(file):
                name, _, count, aliases = [*row, "", "", "", ""][:4]
                if name:
                    yield Tag(name, int(count) if _COUNT.fullmatch(count) else 0), aliases.split(",")
    except (OSError, csv.Error) as error:
        log.warning("Tags: %s cannot be read: %s", path, error)


def _key(name: str) -> str:
    return name.strip().casefold().replace("_", " ")
