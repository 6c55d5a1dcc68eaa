"""Cards of the model files: searched, sorted, in folders, with notes and pictures; quick with tens of thousands."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdui.core.catalog import ModelKind
from sdui.core.networks import (
    SD_VERSIONS,
    CardKind,
    Located,
    Network,
    NetworkFile,
    NetworkPage,
    NetworkQuery,
    Notes,
    Sort,
)

from . import sidecars, training
from .files import CheckpointFile, ModelFile, ModelFiles
from .index import Record
from .metadata import cover_of, read_metadata, read_texts
from .picture_embeddings import PICTURES
from .scan import natural, version_of
from .upscaling.names import named as upscaler_names

_NO_NOTES = Notes()


class Library:
    """The `core.networks.Library` of a worker; any thread may use it.

    What stands beside a file is looked at once, when first needed, and again when a query wants everything anew.
    """

    def __init__(self, files: ModelFiles) -> None:
        self._files = files
        self._shelves: dict[CardKind, _Shelf] = {}
        self._lock = threading.Lock()

    def page(self, query: NetworkQuery) -> NetworkPage:
        with self._lock:
            shelf = self._shelf(query.kind, query.anew)
            found = shelf.found(query)
            shown = found[max(0, query.offset) : max(0, query.offset) + max(0, query.count)]
            return NetworkPage(tuple(shelf.cards(shown)), len(found), shelf.folders)

    def card(self, kind: CardKind, title: str) -> Network | None:
        with self._lock:
            return self._shelf(kind).card(title)

    def file(self, kind: CardKind, title: str) -> NetworkFile | None:
        with self._lock:
            shelf = self._shelf(kind)
            item = shelf.items.get(title)
            if item is None:
                return None
            metadata = read_metadata(item.path) if kind == "checkpoint" else shelf.metadata(item)
            (network,) = shelf.cards([item])
        return NetworkFile(network, item.location, metadata, training.tags_of(metadata))

    def located(self, kind: ModelKind) -> tuple[Located, ...]:
        files = self._files
        if kind == "checkpoint":
            every = files.checkpoints()
            return tuple(
                Located(one.title_path, one.name, str(one.path), config=str(one.config or "")) for one in every
            )
        found = files.of(kind)
        if kind == "upscaler":
            titles = {one.path: one.title_path for one in found}
            return tuple(Located(titles[one.path], one.name, str(one.path)) for one in upscaler_names(found))
        if kind != "lora":
            return tuple(Located(one.title_path, one.name, one.location) for one in found)
        files.read(found)
        aliases = files.aliases(kind, found)
        return tuple(
            Located(one.title_path, one.name, one.location, alias, metadata=files.metadata(one))
            for one, alias in zip(found, aliases, strict=True)
        )

    def picture(self, kind: CardKind, title: str) -> bytes:
        with self._lock:
            item = self._shelf(kind).items.get(title)
        if item is None:
            return b""
        beside = item.picture
        try:
            return Path(beside).read_bytes() if beside else cover_of(read_texts(item.path))
        except OSError:
            return b""

    def note(self, kind: CardKind, title: str, notes: Notes) -> Network | None:
        with self._lock:
            shelf = self._shelf(kind)
            if item := shelf.items.get(title):
                sidecars.write_notes(item.stem, notes)
            return shelf.changed(title)

    def replace_picture(self, kind: CardKind, title: str, png: bytes) -> Network | None:
        with self._lock:
            shelf = self._shelf(kind)
            if item := shelf.items.get(title):
                sidecars.replace_picture(item.stem, png)
            return shelf.changed(title)

    def _shelf(self, kind: CardKind, anew: bool = False) -> _Shelf:
        if anew or kind not in self._shelves:
            self._shelves[kind] = _Shelf(kind, self._files)
        return self._shelves[kind]


class _Item:
    """One file; what is beside it is read when it is asked for, and then kept."""

    def __init__(self, file: CheckpointFile | ModelFile, names: frozenset[str]) -> None:
        """names: of all that is in its folder."""
        self.file = file
        self._names = names
        self._searched: tuple[Record, str] | None = None

    @property
    def title(self) -> str:
        return self.file.title_path

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def location(self) -> str:
        return self.file.location if isinstance(self.file, ModelFile) else str(self.file.path)

    @property
    def stem(self) -> Path:
        return sidecars.stem_of(self.path)

    @functools.cached_property
    def notes(self) -> Notes:
        there = f"{self.file.name}.json" in self._names
        return sidecars.read_notes(self.stem) if there else _NO_NOTES

    @functools.cached_property
    def picture(self) -> str:
        """The path of the picture beside it; "" when there is none."""
        names = sidecars.picture_names(self.file.name)
        return next((str(self.path.with_name(name)) for name in names if name in self._names), "")

    def version(self, record: Record) -> str:
        noted = self.notes.sd_version
        return noted if noted in SD_VERSIONS else training.from_text(record.described).version

    def searched(self, record: Record) -> str:
        if self._searched is None or self._searched[0] is not record:
            notes, tags = self.notes, training.from_text(record.described).tags
            said = "\n".join((notes.description, notes.activation_text, *tags)).casefold()
            self._searched = record, f"{self.names(record)}\n{said}"
        return self._searched[1]

    def names(self, record: Record) -> str:
        return "\n".join((self.title, record.alias, *record.hashes.known)).casefold()

    def sort_key(self, sort: Sort) -> Any:
        match sort:
            case "path":
                return natural(self.title)
            case "name":
                return natural(self.title.rpartition("/")[2])
            case "modified":
                return self.file.version[1]
            case "created":
                return _created(self.location)


class _Shelf:
    """All files of a kind as they were at one look. Of those with one title the last is there, as for prompts."""

    def __init__(self, kind: CardKind, files: ModelFiles) -> None:
        self._kind: CardKind = kind
        self._files = files
        found = files.checkpoints() if kind == "checkpoint" else files.of(kind)
        names = functools.cache(sidecars.names_in)
        items = (_Item(file, names(_folder(file))) for file in found)
        self.items = {item.title: item for item in items}
        if kind == "embedding":
            self.items = _without_thumbnails(self.items)
        self._sorted: dict[Sort, list[_Item]] = {}
        self._last: tuple[NetworkQuery, list[_Item]] | None = None

    @functools.cached_property
    def folders(self) -> tuple[str, ...]:
        """Those in folders too, each after the one that it is in."""
        holding = {title.rpartition("/")[0] for title in self.items}
        parts = [folder.split("/") for folder in holding if folder]
        every = {"/".join(path[:depth]) for path in parts for depth in range(1, len(path) + 1)}
        return tuple(sorted(every, key=lambda folder: [natural(part) for part in folder.split("/")]))

    def found(self, query: NetworkQuery) -> list[_Item]:
        """All that a query finds, wherever its page is."""
        query = replace(query, offset=0, count=0, anew=False)
        if self._last is None or self._last[0] != query:
            self._last = query, self._search(query)
        return self._last[1]

    def cards(self, items: list[_Item]) -> Iterable[Network]:
        files = [item.file for item in items if isinstance(item.file, ModelFile)]
        self._files.read(files)
        aliases = dict(zip((file.title_path for file in files), self._aliases(files), strict=True))
        return [self._card(item, aliases.get(item.title, "")) for item in items]

    def card(self, title: str) -> Network | None:
        return next(iter(self.cards([self.items[title]])), None) if title in self.items else None

    def metadata(self, item: _Item) -> dict[str, str]:
        return self._files.metadata(item.file) if isinstance(item.file, ModelFile) else {}

    def changed(self, title: str) -> Network | None:
        """The card of a file beside which something was written."""
        item = self.items.get(title)
        if item is None:
            return None
        fresh = _Item(item.file, sidecars.names_in(_folder(item.file)))
        self.items[title] = fresh
        self._sorted, self._last = {}, None
        return self.card(title)

    def _search(self, query: NetworkQuery) -> list[_Item]:
        found = self._in_order(query.sort)
        if query.folder:
            found = [item for item in found if item.title.startswith(query.folder + "/")]
        if query.version:
            found = [item for item in found if item.version(self._record(item)) in ("", query.version)]
        if words := query.search.casefold().split():
            text_of = _Item.names if query.by_name else _Item.searched
            texts = ((item, text_of(item, self._record(item))) for item in found)
            found = [item for item, text in texts if all(word in text for word in words)]
        return found[::-1] if query.descending else found

    def _in_order(self, sort: Sort) -> list[_Item]:
        if sort not in self._sorted:
            self._sorted[sort] = sorted(self.items.values(), key=lambda item: item.sort_key(sort))
        return self._sorted[sort]

    def _card(self, item: _Item, alias: str) -> Network:
        record = self._record(item)
        if isinstance(item.file, CheckpointFile):
            alias = item.file.entry(record.hashes).title
        picture = self._picture(item, record)
        return Network(item.title, item.file.name, alias, item.notes, item.version(record), picture)

    def _picture(self, item: _Item, record: Record) -> str:
        """What changes with the picture. Of checkpoints only pictures beside them count: few have one inside."""
        if item.picture:
            return "-".join(map(str, version_of(Path(item.picture))))
        inside = isinstance(item.file, ModelFile) and training.from_text(record.described).cover
        return "-".join(map(str, item.file.version)) if inside else ""

    def _aliases(self, files: list[ModelFile]) -> list[str]:
        return [] if self._kind == "checkpoint" else self._files.aliases(self._kind, files)

    def _record(self, item: _Item) -> Record:
        return self._files.record(item.file)


def _folder(file: CheckpointFile | ModelFile) -> str:
    location = file.location if isinstance(file, ModelFile) else str(file.path)
    return os.path.dirname(location)  # noqa: PTH120 - a Path for each of many thousands takes most of the time


def _without_thumbnails(items: dict[str, _Item]) -> dict[str, _Item]:
    """Pictures may be embeddings, but one that is named as another embedding beside it shows what that does."""
    others = {title.rpartition(".")[0] for title in items if not title.lower().endswith(PICTURES)}
    return {
        title: item
        for title, item in items.items()
        if not (title.lower().endswith(PICTURES) and title.rpartition(".")[0] in others)
    }


def _created(location: str) -> float:
    """Seconds; where the system does not know it, when the file was put here or renamed."""
    try:
        found = os.stat(location)  # noqa: PTH116 - as above
    except OSError:
        return 0.0
    return getattr(found, "st_birthtime", found.st_ctime)
