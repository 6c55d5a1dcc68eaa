"""The files of one kind as they were found: which of them a name means, and pages of them for people to choose from."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sdui.core.catalog import PAGE_LENGTH, ModelKind, Network, NetworkPage

from .index import Record
from .scan import Version

_FORBIDDEN = ("none",)
"""Aliases that too many files have (A1111's list)."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that goes with checkpoints: a VAE, LoRA, embedding, hypernetwork or upscaler."""

    kind: ModelKind
    location: str
    """The whole path as text; making a Path of each of many thousands would take most of the time of looking."""
    title_path: str
    """Relative to its models folder, with "/"."""
    key: str = ""
    """The path with no link in it, under which the index has the file."""
    version: Version = (-1, -1)

    @property
    def path(self) -> Path:
        return Path(self.location)

    @property
    def file_name(self) -> str:
        return self.title_path.rpartition("/")[2]

    @property
    def name(self) -> str:
        """The file name without its ending."""
        return self.file_name.rpartition(".")[0]


class Listing:
    """In A1111's order: of files with the same name the last one is meant."""

    def __init__(self, files: list[ModelFile], record: Callable[[ModelFile], Record]) -> None:
        self.files = files
        self._record = record

    def named(self, name: str) -> ModelFile | None:
        """By file name, with folder, ending, both or neither; upper and lower case differ."""
        return self._names.get(name)

    def aliased(self, alias: str) -> ModelFile | None:
        """By what the maker called it, when that is known and means one file alone (A1111's rule)."""
        found = [file for file in self.files if self._record(file).alias == alias]
        return found[0] if len(found) == 1 and alias.lower() not in self._ambiguous() else None

    def page(self, search: str, number: int) -> NetworkPage:
        """Those that have every word of `search` in path, alias or hash, by name, `PAGE_LENGTH` a page.

        A page beyond the last is the last.
        """
        words = search.casefold().split()
        found = self._sorted
        if words:
            texts = ((file, self._searched(file)) for file in found)
            found = [file for file, text in texts if all(word in text for word in words)]
        number = max(0, min(number, (len(found) - 1) // PAGE_LENGTH))
        shown = found[number * PAGE_LENGTH : (number + 1) * PAGE_LENGTH]
        ambiguous = self._ambiguous()
        return NetworkPage(tuple(self._network(file, ambiguous) for file in shown), number, len(found))

    def _network(self, file: ModelFile, ambiguous: frozenset[str]) -> Network:
        alias = self._record(file).alias
        usable = alias and alias.lower() not in ambiguous and self._names.get(alias, file) is file
        return Network(file.name, alias if usable else file.name, file.title_path)

    def _searched(self, file: ModelFile) -> str:
        record = self._record(file)
        return " ".join((file.title_path, record.alias, *record.hashes.known)).casefold()

    def _ambiguous(self) -> frozenset[str]:
        """In lower case: aliases of several files, and those that are never used."""
        counted = Counter(alias for file in self.files if (alias := self._record(file).alias))
        return frozenset((*_FORBIDDEN, *(alias.lower() for alias, count in counted.items() if count > 1)))

    @functools.cached_property
    def _names(self) -> dict[str, ModelFile]:
        """Longer names are left out where they would hide a file name."""
        short = {file.name: file for file in self.files}
        long = {
            name: file
            for file in self.files
            for name in (file.file_name, file.title_path, file.title_path.rpartition(".")[0])
        }
        return long | short

    @functools.cached_property
    def _sorted(self) -> list[ModelFile]:
        return sorted(self.files, key=lambda file: file.name.casefold())
