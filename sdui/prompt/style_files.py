"""The files that styles are in: which there are, what is in them now, and how one is changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sdui.core.errors import RequestError

from .styles import Style, StyleDatabase

_LONGEST = 100_000
"""Characters of one text; a reader of CSV refuses fields above 131,072."""


class Merged(NamedTuple):
    """What a file that was taken in has brought, in names."""

    new: tuple[str, ...]
    replaced: tuple[str, ...]


class StyleFiles:
    """Read anew when a file has changed. Safe to share between threads."""

    def __init__(self, data: Path, patterns: Sequence[Path] = ()) -> None:
        """patterns: paths of files, with * and ? for several; without any it is styles.csv in the data folder."""
        self._patterns = list(patterns) or [data / "styles.csv"]
        self._changing = threading.Lock()
        self._known: tuple[list[tuple[Path, int, int]], StyleDatabase] = [], StyleDatabase()

    def paths(self) -> list[Path]:
        """The files that exist, in the order of the patterns."""
        found = (path for pattern in self._patterns for path in _matching(pattern))
        return [path for path in dict.fromkeys(found) if path.is_file()]

    def read(self) -> StyleDatabase:
        """Raises RequestError for a file that is damaged or cannot be read."""
        found = list(map(_version, self.paths()))
        known, styles = self._known
        if found != known:
            styles = StyleDatabase.read([path for path, *_ in found])
            self._known = found, styles
        return styles

    def merge(self, styles: Iterable[Style]) -> Merged:
        """Save each in the file that has its name, new ones in the first.

        Raises RequestError for a style that no file can hold and for a damaged file, OSError.
        """
        given = {style.name: style for style in styles}
        for style in given.values():
            _require_writable(style)
        with self._changing:
            before = self.read()
            homes: dict[Path, list[Style]] = {}
            for style in given.values():
                old = before.get(style.name)
                homes.setdefault((old and old.file) or self._first(), []).append(style)
            for path, own in homes.items():
                kept = {style.name: style for style in StyleDatabase.read([path])}
                changed = {style.name: replace(style, file=path) for style in own}
                StyleDatabase((kept | changed).values()).save(path)
        old = {name: found for name in given if (found := before.get(name))}
        replaced = [name for name, style in old.items() if replace(given[name], file=style.file) != style]
        return Merged(tuple(name for name in given if name not in old), tuple(replaced))

    def delete(self, name: str) -> bool:
        """From every file that has it, so that none of an earlier file comes to light; whether there was one.

        Raises RequestError for a damaged file, OSError.
        """
        there = False
        with self._changing:
            for path in self.paths():
                styles = list(StyleDatabase.read([path]))
                if any(style.name == name for style in styles):
                    StyleDatabase(style for style in styles if style.name != name).save(path)
                    there = True
        return there

    def _first(self) -> Path:
        """Where new styles go."""
        plain = next((pattern for pattern in self._patterns if not _is_several(pattern)), None)
        first = plain or next(iter(self.paths()), None)
        if first is None:
            raise RequestError(f"Styles: there is no file {self._patterns[0]} yet; make one, or name it --styles-file.")
        return first


def _version(path: Path) -> tuple[Path, int, int]:
    """Size and time of change; -1 for a file that has just vanished."""
    try:
        stat = path.stat()
    except OSError:
        return path, -1, -1
    return path, stat.st_size, stat.st_mtime_ns


def _is_several(pattern: Path) -> bool:
    return any(sign in str(pattern) for sign in "*?") and not pattern.exists()


def _matching(pattern: Path) -> list[Path]:
    if not _is_several(pattern):
        return [pattern]
    return sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))


def _require_writable(style: Style) -> None:
    if not style.name.strip():
        raise RequestError("Styles: a style needs a name.")
    if style.name.startswith("#"):
        raise RequestError(f"Styles: {style.name!r} would be a comment in the file; begin with something else.")
    if max(map(len, (style.name, style.prompt, style.negative_prompt))) > _LONGEST:
        raise RequestError(f"Styles: a text of {style.name[:50]!r} is too long, at most {_LONGEST:,} characters.")
