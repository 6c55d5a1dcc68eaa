"""From prompts to what the network is told at each step; equal texts are encoded once and kept between jobs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sdui.core.text_options import TextOptions
from sdui.models.embeddings import Embedding
from sdui.models.families.base import Conditioning
from sdui.models.residents import Lease
from sdui.models.text import PlacedVectors, Texts
from sdui.prompt.attention import BREAK, Piece, parse_attention
from sdui.prompt.chunks import Chunk, chunk_prompt
from sdui.prompt.composition import parse_composition
from sdui.prompt.old_emphasis import bracket_factors, chunk_prompt_old
from sdui.prompt.schedule import TextUntil, schedule
from sdui.prompt.tokenizer import Tokenizer

from .embeddings import Embeddings, Vocabulary

KEPT_TEXTS = 64
"""Encoded texts that stay in memory: at most some 20 MB for prompts of a few chunks."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What prompt editing counts: looks at the network, which second-order samplers take two of in a step."""

    calls: int
    """Of the first pass."""
    hires_calls: int | None = None
    """Of the second pass, where this is the second pass' timeline."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How prompts are read for one run."""

    clip_skip: int
    options: TextOptions
    timeline: Timeline
    size: tuple[int, int]
    """Width and height of the picture in pixels."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One text over the run: (last call it is used at, what the network is told of it, for one picture), in order."""

    entries: tuple[tuple[int, Conditioning], ...]

    def at(self, call: int) -> Conditioning:
        """What the network is told at its `call`-th look, counted from 0."""
        return next((told for until, told in self.entries if call <= until), self.entries[-1][1])


@dataclass(frozen=True, slots=True)
class Prompts:
    """A positive prompt of one or several weighted parts, and the negative one."""

    parts: tuple[tuple[float, Scheduled], ...]
    negative: Scheduled
    empty: Tensor
    """What the network is told of an empty chunk, [1,77,D]."""

    def chunks(self) -> int:
        """Of 75 tokens, in the longest of the prompts."""
        longest = max(scheduled.at(0).length for scheduled in (self.negative, *(part for _, part in self.parts)))
        return longest // self.empty.shape[1]


_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Texts:
    """What the texts of one pass have in common."""

    lease: Lease
    reading: Reading
    vocabulary: Vocabulary
    used: dict[str, Embedding] = field(default_factory=dict[str, Embedding])


class Conditioner:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._bracket_factors = bracket_factors(self._tokenizer.vocabulary())
        self._kept: OrderedDict[_Key, Scheduled] = OrderedDict()

    def prompts(self, lease: Lease, positive: str, negative: str, reading: Reading, embeddings: Embeddings) -> Prompts:
        """`embeddings` is told what was used, in A1111's order: the parts from the last, then the negative prompt."""
        texts = _Texts(lease, reading, embeddings.vocabulary(lease.model.text_widths))
        parts = [(part.weight, self._scheduled(texts, part.text)) for part in reversed(parse_composition(positive))]
        told = self._scheduled(texts, negative, negative=True)
        empty = self._encoded(texts, (TextUntil(1, ""),)).at(0).context
        embeddings.note(texts.used)
        return Prompts(tuple(reversed(parts)), told, empty)

    def _scheduled(self, texts: _Texts, text: str, negative: bool = False) -> Scheduled:
        timeline = texts.reading.timeline
        entries = schedule(text, timeline.calls, timeline.hires_calls, texts.reading.options.use_old_scheduling)
        return self._encoded(texts, tuple(entries), negative)

    def _encoded(self, texts: _Texts, entries: tuple[TextUntil, ...], negative: bool = False) -> Scheduled:
        chunked = [self._chunks(text, texts) for _, text in entries]
        placed = _placed(chunked, texts.vocabulary.found)
        for one in placed:
            texts.used.setdefault(one.embedding.name, one.embedding)
        lease, reading = texts.lease, texts.reading
        how = (reading.clip_skip, reading.options, reading.size, negative)
        key = (lease.sha256, lease.model.text_state, *how, entries, tuple(one.key for one in placed))
        if key not in self._kept:
            self._kept[key] = self._encode(texts, entries, chunked, negative)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_TEXTS:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _encode(
        self, given: _Texts, entries: tuple[TextUntil, ...], chunked: list[list[Chunk]], negative: bool
    ) -> Scheduled:
        """All texts of a schedule together: the attention weights' mean is taken over them, as A1111 does."""
        longest = max(len(chunks) for chunks in chunked)
        reading, empty = given.reading, self._chunks("", given)
        padded = [chunks + empty * (longest - len(chunks)) for chunks in chunked]
        texts = Texts(
            tokens=_stack(padded, "tokens", torch.int64),
            weights=_stack(padded, "weights"),
            clip_skip=reading.clip_skip,
            keep_mean=reading.options.emphasis != "No norm",
            placed=[one.vectors for one in _placed(chunked, given.vocabulary.found)],
            size=reading.size,
            negative=negative,
            empty=not any(text for _, text in entries),
            sdxl=reading.options.sdxl,
        )
        told = given.lease.model.encode_text(texts)
        return Scheduled(tuple((entry.until, told.one(i)) for i, entry in enumerate(entries)))

    def _chunks(self, text: str, texts: _Texts) -> list[Chunk]:
        options, encode, lookup = texts.reading.options, self._tokenizer.encode, texts.vocabulary
        if options.use_old_emphasis_implementation:
            return chunk_prompt_old(text, encode, self._bracket_factors, lookup).chunks
        pieces = [Piece(text, 1.0)] if options.emphasis == "None" else parse_attention(text)
        if options.emphasis == "Ignore":
            pieces = [piece if piece == BREAK else Piece(piece.text, 1.0) for piece in pieces]
        return chunk_prompt(pieces, encode, backtrack=options.comma_padding_backtrack, lookup=lookup).chunks


class _Placed(NamedTuple):
    """An embedding in one of the texts that are encoded together."""

    text: int
    chunk: int
    position: int
    embedding: Embedding

    @property
    def key(self) -> _Key:
        return self.text, self.chunk, self.position, self.embedding.name, self.embedding.sha256

    @property
    def vectors(self) -> PlacedVectors:
        return PlacedVectors(self.text, self.chunk, self.position, self.embedding.vectors)


def _placed(texts: list[list[Chunk]], found: Mapping[str, Embedding]) -> list[_Placed]:
    """In A1111's order: chunk by chunk, all texts' first ones first."""
    placed = [
        _Placed(text, number, placement.position, found[placement.key])
        for text, chunks in enumerate(texts)
        for number, chunk in enumerate(chunks)
        for placement in chunk.placements
    ]
    return sorted(placed, key=lambda one: (one.chunk, one.text, one.position))


def _stack(texts: list[list[Chunk]], attribute: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """[B,N,77]."""
    return torch.tensor([[getattr(chunk, attribute) for chunk in chunks] for chunks in texts], dtype=dtype)
