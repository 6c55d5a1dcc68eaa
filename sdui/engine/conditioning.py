"""From prompts to what the network is told at each step; equal texts are encoded once and kept between jobs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sdui.core.text_options import TextOptions
from sdui.models.families.base import Conditioning, LoadedModel
from sdui.models.residents import Lease
from sdui.models.text import Texts
from sdui.prompt.attention import BREAK, Piece, parse_attention
from sdui.prompt.chunks import Chunk, chunk_prompt
from sdui.prompt.composition import parse_composition
from sdui.prompt.old_emphasis import bracket_factors, chunk_prompt_old
from sdui.prompt.schedule import TextUntil, schedule
from sdui.prompt.tokenizer import Tokenizer

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


class Conditioner:
    def __init__(self) -> None:
        self._tokenizer = Tokenizer()
        self._bracket_factors = bracket_factors(self._tokenizer.vocabulary())
        self._kept: OrderedDict[_Key, Scheduled] = OrderedDict()

    def prompts(self, lease: Lease, positive: str, negative: str, reading: Reading) -> Prompts:
        parts = tuple((part.weight, self._scheduled(lease, part.text, reading)) for part in parse_composition(positive))
        empty = self._encoded(lease, (TextUntil(1, ""),), reading).at(0).context
        return Prompts(parts, self._scheduled(lease, negative, reading, negative=True), empty)

    def _scheduled(self, lease: Lease, text: str, reading: Reading, negative: bool = False) -> Scheduled:
        timeline = reading.timeline
        entries = schedule(text, timeline.calls, timeline.hires_calls, reading.options.use_old_scheduling)
        return self._encoded(lease, tuple(entries), reading, negative)

    def _encoded(
        self, lease: Lease, entries: tuple[TextUntil, ...], reading: Reading, negative: bool = False
    ) -> Scheduled:
        how = (reading.clip_skip, reading.options, reading.size, negative)
        key = (lease.sha256, lease.model.text_state, *how, entries)
        if key not in self._kept:
            self._kept[key] = self._encode(lease.model, entries, reading, negative)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_TEXTS:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _encode(
        self, model: LoadedModel, entries: tuple[TextUntil, ...], reading: Reading, negative: bool
    ) -> Scheduled:
        """All texts of a schedule together: the attention weights' mean is taken over them, as A1111 does."""
        chunked = [self._chunks(text, reading.options) for _, text in entries]
        longest = max(len(chunks) for chunks in chunked)
        empty = self._chunks("", reading.options)
        padded = [chunks + empty * (longest - len(chunks)) for chunks in chunked]
        texts = Texts(
            tokens=_stack(padded, "tokens", torch.int64),
            weights=_stack(padded, "weights"),
            clip_skip=reading.clip_skip,
            keep_mean=reading.options.emphasis != "No norm",
            size=reading.size,
            negative=negative,
            empty=not any(text for _, text in entries),
        )
        told = model.encode_text(texts)
        return Scheduled(tuple((entry.until, told.one(i)) for i, entry in enumerate(entries)))

    def _chunks(self, text: str, options: TextOptions) -> list[Chunk]:
        if options.use_old_emphasis_implementation:
            return chunk_prompt_old(text, self._tokenizer.encode, self._bracket_factors).chunks
        pieces = [Piece(text, 1.0)] if options.emphasis == "None" else parse_attention(text)
        if options.emphasis == "Ignore":
            pieces = [piece if piece == BREAK else Piece(piece.text, 1.0) for piece in pieces]
        return chunk_prompt(pieces, self._tokenizer.encode, backtrack=options.comma_padding_backtrack).chunks


def _stack(texts: list[list[Chunk]], attribute: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """[B,N,77]."""
    return torch.tensor([[getattr(chunk, attribute) for chunk in chunks] for chunks in texts], dtype=dtype)
