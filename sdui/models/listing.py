"""The files of one kind as they were found, and which of them a name means."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sdui.core.catalog import ModelKind

from .index import Record
from .scan import Version

_FORBIDDEN = ("none",)
"""Aliases that too many files have (A1111's list)."""
_IN_TAGS = frozenset("<>:")


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

    def aliases(self, files: Iterable[ModelFile]) -> list[str]:
        """What their makers called them; the name where that is unknown, means another file or would end a tag."""
        ambiguous = self._ambiguous()
        return [self._alias(file, ambiguous) for file in files]

    def _alias(self, file: ModelFile, ambiguous: frozenset[str]) -> str:
        alias = self._record(file).alias
        meant = alias.lower() not in ambiguous and self._names.get(alias, file) is file
        return alias if alias and meant and not _IN_TAGS & set(alias) else file.name

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
