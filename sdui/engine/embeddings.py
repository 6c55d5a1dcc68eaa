"""The embeddings that prompts can name: files by the tokens of their names, opened when a prompt has one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sdui.core.errors import ModelFileError
from sdui.core.infotext_keys import TI_HASHES
from sdui.core.networks import EmbeddingFacts
from sdui.models.embeddings import Embedding, read_embedding
from sdui.models.files import ModelFile, ModelFiles
from sdui.models.picture_embeddings import PICTURES
from sdui.prompt.attention import parse_attention
from sdui.prompt.names import Named, NameIndex

_PREVIEW = ".preview"


class _Candidate(NamedTuple):
    """What a name may stand for."""

    name: str
    """As it is looked for in prompts."""
    source: ModelFile | Embedding


class EmbeddingLibrary:
    """Of the worker; what is opened stays in memory until its file changes. They are small."""

    def __init__(self, files: ModelFiles, encode: Callable[[str], list[int]]) -> None:
        """encode: turns text into tokens."""
        self.encode = encode
        self._files = files
        self._opened: dict[ModelFile, tuple[tuple[int, int], Embedding | ModelFileError | None]] = {}
        self._names: dict[ModelFile, str | None] = {}
        self._index: NameIndex[_Candidate] = NameIndex()

    def index(self) -> NameIndex[_Candidate]:
        """Of all files as they are now; of those whose names are equal the last comes first, as in A1111."""
        names = {file: self._name(file) for file in _without_previews(self._files.of("embedding"))}
        if names != self._names:
            by_name: dict[str, list[ModelFile]] = {}
            for file, name in names.items():
                if name:
                    by_name.setdefault(name, []).append(file)
            self._names = names
            self._index = NameIndex(
                (self.encode(name), _Candidate(name, file)) for name, files in by_name.items() for file in files[::-1]
            )
        return self._index

    def sizes(self, prompt: str) -> dict[str, int]:
        """How many vectors each embedding has that a prompt names; what cannot be read has none."""
        index, found = self.index(), dict[str, int]()
        for piece in parse_attention(prompt):
            tokens = self.encode(piece.text)
            named = [candidate for at in range(len(tokens)) for _, candidate in index.at(tokens, at)]
            for name, source in dict.fromkeys(named):
                with contextlib.suppress(ModelFileError):
                    embedding = source if isinstance(source, Embedding) else self.open(source)
                    if embedding and name not in found:
                        found[name] = embedding.length
        return found

    def facts(self, widths: tuple[int, ...]) -> dict[str, EmbeddingFacts]:
        """Of every one that can be read, by name. widths: a checkpoint's `text_widths`; without any all are usable."""
        facts: dict[str, EmbeddingFacts] = {}
        for file in _without_previews(self._files.of("embedding")):
            with contextlib.suppress(ModelFileError):
                if (embedding := self.open(file)) and (name := self._name(file)):
                    usable = not widths or embedding.widths == widths
                    facts[name] = EmbeddingFacts(embedding.length, sum(embedding.widths), usable)
        return facts

    def open(self, file: ModelFile) -> Embedding | None:
        """None for a picture without one. Raises ModelFileError."""
        version = _version(file)
        known = self._opened.get(file)
        if known is None or known[0] != version:
            known = self._opened[file] = version, self._read(file)
        if isinstance(known[1], ModelFileError):
            raise known[1]
        return known[1]

    def _read(self, file: ModelFile) -> Embedding | ModelFileError | None:
        try:
            return read_embedding(file.path, self._files.sha256(file))
        except ModelFileError as error:
            return error
        except OSError as error:
            return ModelFileError(f"{file.path} cannot be read: {error.strerror}.")

    def _name(self, file: ModelFile) -> str | None:
        """Only pictures have to be opened for it."""
        if file.path.suffix.lower() not in PICTURES:
            return file.name
        try:
            embedding = self.open(file)
        except ModelFileError:
            return file.name
        return embedding and embedding.name


@dataclass(slots=True)
class Embeddings:
    """Of one job."""

    library: EmbeddingLibrary
    tell: Callable[[str], None]
    """Told what cannot be used."""
    show_hashes: bool
    """Whether the infotext is to have the files' hashes."""
    renamed: Mapping[str, ModelFile] = field(default_factory=dict[str, ModelFile])
    """Files to be found under another name: their hash was given with it."""
    _index: NameIndex[_Candidate] = field(init=False)
    _bundled: dict[str, Embedding] = field(default_factory=dict[str, Embedding])
    _used: dict[str, Embedding] = field(default_factory=dict[str, Embedding])

    def __post_init__(self) -> None:
        encode = self.library.encode
        named = ((encode(name), _Candidate(name, file)) for name, file in self.renamed.items())
        self._index = self.library.index().plus(named)

    @property
    def facts(self) -> dict[str, str | None]:
        """For the infotext: what the prompts of all passes so far have named."""
        shown = [
            f"{name.replace(':', '').replace(',', '')}: {embedding.short_hash}"
            for name, embedding in self._used.items()
            if embedding.path
        ]
        return {TI_HASHES: ", ".join(shown) or None if self.show_hashes else None}

    @property
    def sha256(self) -> dict[str, str]:
        """Of what has been used so far, by name."""
        return {name: embedding.sha256 for name, embedding in self._used.items()}

    def bundle(self, embeddings: Sequence[Embedding]) -> None:
        """Those that the LoRAs of a pass bring along; they take the place of the last pass'. Files come before them."""
        self._bundled = {embedding.name: embedding for embedding in embeddings}

    def vocabulary(self, widths: tuple[int, ...]) -> Vocabulary:
        """For a checkpoint with these `text_widths`."""
        encode = self.library.encode
        named = ((encode(name), _Candidate(name, embedding)) for name, embedding in self._bundled.items())
        return Vocabulary(self._index.plus(named) if self._bundled else self._index, self, widths)

    def note(self, used: Mapping[str, Embedding]) -> None:
        self._used |= {name: embedding for name, embedding in used.items() if name not in self._used}


@dataclass(slots=True)
class Vocabulary:
    """A `prompt.names.Lookup` for one checkpoint."""

    index: NameIndex[_Candidate]
    embeddings: Embeddings
    widths: tuple[int, ...]
    found: dict[str, Embedding] = field(default_factory=dict[str, Embedding])
    """By the keys of what was found."""
    _tried: dict[_Candidate, Embedding | None] = field(default_factory=dict["_Candidate", "Embedding | None"])

    def __call__(self, tokens: Sequence[int], position: int) -> Named | None:
        unusable: list[str] = []
        for length, candidate in self.index.at(tokens, position):
            if candidate not in self._tried:
                self._tried[candidate] = self._usable(candidate, unusable)
            if embedding := self._tried[candidate]:
                self.found[candidate.name] = embedding
                return Named(length, embedding.length, candidate.name)
        for text in unusable:
            self.embeddings.tell(f"Prompt: {text}")
        return None

    def _usable(self, candidate: _Candidate, unusable: list[str]) -> Embedding | None:
        name, source = candidate
        try:
            embedding = source if isinstance(source, Embedding) else self.embeddings.library.open(source)
        except ModelFileError as error:
            unusable.append(f"embedding {name!r} is left out. {error}")
            return None
        if embedding and embedding.widths != self.widths:
            theirs, ours = (" + ".join(map(str, widths)) for widths in (embedding.widths, self.widths))
            unusable.append(
                f"embedding {name!r} is made for another kind of checkpoint, its name is read as words: "
                f"its vectors have {theirs} numbers, this checkpoint's {ours}."
            )
            return None
        return embedding and replace(embedding, name=name)


def _without_previews(files: Sequence[ModelFile]) -> Iterator[ModelFile]:
    """A picture beside a file of its name shows what that is good for. Opening thousands of them would take long."""
    others = {file.path.with_suffix("") for file in files if file.path.suffix.lower() not in PICTURES}
    for file in files:
        beside = file.path.with_suffix("")
        if file.path.suffix.lower() not in PICTURES or not (beside in others or beside.suffix.lower() == _PREVIEW):
            yield file


def _version(file: ModelFile) -> tuple[int, int]:
    """Size and time of change; -1 for a file that has just vanished."""
    try:
        stat = file.path.stat()
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns
