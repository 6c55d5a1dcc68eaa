"""GET /page/completions: what a word or tag that is being typed into a prompt may become."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query

from sdui.core.errors import RequestError
from sdui.core.networks import CardKind
from sdui.prompt import wildcards
from sdui.prompt.tags import TagLibrary
from sdui.prompt.wildcards import Wildcards
from sdui.services import Services

from . import named_files

_MOST = 20
_MOST_FILES = 180
"""Of those with the typed text somewhere in their names; the list is made of them."""
_MOST_WORDS = 4
"""Of a tag, "long hair"; as many before the cursor are tried, then fewer."""
_SHORTEST = 2
"""Characters without which no word is completed."""
_FRESH = 10.0
"""Seconds after which the wildcards' folders are read again."""

Kind = Literal["lora", "hypernetwork", "wildcard", "word"]


class Completion(NamedTuple):
    """One entry of the list."""

    kind: Literal["lora", "hypernetwork", "wildcard", "embedding", "style", "tag"]
    label: str
    insert: str
    """What takes the place of the last `replaced` characters; "" for a style, which is chosen instead."""
    replaced: int
    note: str = ""
    """How many pictures have a tag, the other name that was typed."""


class Completions:
    """Safe to ask from several threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tags = TagLibrary(services.launch.data_dir / "tags")
        self._lock = threading.Lock()
        self._wildcards: tuple[float, Sequence[str]] = 0.0, ()

    def complete(self, kind: Kind, text: Annotated[str, Query(max_length=200)] = "") -> list[dict[str, str | int]]:
        """text: what stands before the cursor; of a word, the words before it too."""
        if not self._services.settings.current.prompt_completion:
            return []
        match kind:
            case "lora" | "hypernetwork":
                entries = self._files(kind, text)
            case "wildcard":
                entries = self._named_wildcards(text)
            case "word":
                entries = self._words(text)
        return [entry._asdict() for entry in islice(entries, _MOST)]

    def _files(self, kind: CardKind, text: str) -> Iterator[Completion]:
        names = list(dict.fromkeys(islice(self._names(kind, text), _MOST_FILES)))
        wanted = text.casefold()
        # Those that begin so come first, the others stay in their order.
        for name in sorted(names, key=lambda name: not name.casefold().startswith(wanted)):
            yield Completion("lora" if kind == "lora" else "hypernetwork", name, name, len(text))

    def _names(self, kind: CardKind, text: str) -> Iterator[str]:
        """As they are written into prompts."""
        by_file = self._services.settings.current.lora_preferred_name == "Filename"
        for network in named_files.found(self._services, kind, text).entries:
            yield network.name if by_file else network.alias

    def _named_wildcards(self, text: str) -> Iterator[Completion]:
        wanted = text.casefold()
        names = [name for name in self._wildcard_names() if wanted in name]
        for name in sorted(names, key=lambda name: not name.startswith(wanted)):
            yield Completion("wildcard", name, f"__{name}__", len(text) + len("__"))

    def _wildcard_names(self) -> Sequence[str]:
        with self._lock:
            when, names = self._wildcards
            if not when or time.monotonic() - when > _FRESH:
                names = Wildcards(wildcards.folders(self._services.launch.data_dir)).names()
                self._wildcards = time.monotonic(), names
            return names

    def _words(self, text: str) -> Iterator[Completion]:
        endings = [ending for ending in _endings(text) if len(ending) >= _SHORTEST]
        if not endings:
            return
        yield from self._beginning("embedding", self._names("embedding", endings[-1]), endings)
        yield from self._beginning("style", self._style_names(), endings)
        tags = self._tags.now()
        for ending in endings:
            if found := tags.find(ending, _MOST):
                for tag, alias in found:
                    note = _short(tag.pictures) if tag.pictures else ""
                    yield Completion("tag", tag.text, tag.text, len(ending), " ".join(filter(None, (alias, note))))
                return

    def _beginning(
        self, kind: Literal["embedding", "style"], names: Iterable[str], endings: Sequence[str]
    ) -> Iterator[Completion]:
        """Those that begin with what was typed, or its last words; a few, to leave room for tags."""
        found = ((name, _typed(name, endings)) for name in names)
        for name, typed in islice((one for one in found if one[1]), _MOST // 4):
            yield Completion(kind, name, name if kind == "embedding" else "", len(typed))

    def _style_names(self) -> list[str]:
        try:
            return self._services.styles.read().names()
        except RequestError:
            return []  # the styles' own box tells of it


def _endings(text: str) -> list[str]:
    """Its last words, more of them first."""
    text = text.lstrip()
    begins = [0, *(at + 1 for at, sign in enumerate(text) if sign == " " and text[at + 1 : at + 2].strip())]
    return [text[begin:] for begin in begins[-_MOST_WORDS:]]


def _typed(name: str, endings: Sequence[str]) -> str:
    """The longest of these that the name begins with; "" where there is none."""
    return next((ending for ending in endings if name.casefold().startswith(ending.casefold())), "")


def _short(count: int) -> str:
    """1234567 is 1.2M."""
    for size, unit in ((1_000_000, "M"), (1000, "k")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit
    return str(count)


def routes(services: Services) -> APIRouter:
    router = APIRouter()
    router.get("/page/completions")(Completions(services).complete)
    return router
