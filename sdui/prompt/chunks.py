"""Prompts of any length for an encoder that takes 77 tokens: chunks of 75, each framed by a start and an end token.

A full chunk ends at its last comma where that is at most `backtrack` tokens back, so that a phrase is not torn apart;
what follows the comma moves to the next chunk. BREAK closes a chunk early. A name that stands for vectors of its own
takes as many tokens as it has vectors; where they do not fit any more the next chunk begins with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from .attention import BREAK, Piece
from .names import Lookup, Named, no_names
from .tokenizer import COMMA, END, START

CHUNK_TOKENS = 75
"""Tokens of the prompt that fit into one chunk."""


REPLACED = 0
"""The id of tokens that vectors take the place of."""


class Placement(NamedTuple):
    """Where a chunk gets the vectors of a name."""

    position: int
    """Of the first vector among the chunk's 77 tokens, the start token being 0."""
    key: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Start, up to 75 tokens of the prompt, end, padding: 77 ids and as many weights (1.0 but for the prompt's own)."""

    tokens: list[int]
    weights: list[float]
    placements: list[Placement] = field(default_factory=list[Placement])


@dataclass(frozen=True, slots=True)
class ChunkedPrompt:
    """At least one chunk; `token_count` is what the page shows: every chunk but the last counts as full."""

    chunks: list[Chunk]
    token_count: int


def chunk_prompt(
    pieces: Iterable[Piece], encode: Callable[[str], list[int]], *, backtrack: int = 20, lookup: Lookup = no_names
) -> ChunkedPrompt:
    """`encode` turns text into ids, `backtrack` 0 cuts where a chunk is full, `lookup` knows the names with vectors.

    To leave emphasis and BREAK uninterpreted pass the whole text as one piece of weight 1.0.
    """
    filling = _Filling(backtrack)
    for piece in pieces:
        if piece == BREAK:
            filling.close_full()
            continue
        tokens, position = encode(piece.text), 0
        while position < len(tokens):
            filling.make_room(tokens[position])
            named = lookup(tokens, position)
            if named:
                filling.place(named, piece.weight)
            else:
                filling.add(tokens[position], piece.weight)
            position += named.length if named else 1
    return filling.finish()


def room_for(token_count: int) -> int:
    """The tokens that fit into as many chunks as `token_count` needs: 75, 150, ..."""
    return max(1, -(-token_count // CHUNK_TOKENS)) * CHUNK_TOKENS


@dataclass(slots=True)
class _Filling:
    """The finished chunks and the one being filled."""

    backtrack: int
    chunks: list[Chunk] = field(default_factory=list[Chunk])
    count: int = 0
    tokens: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])
    placements: list[Placement] = field(default_factory=list[Placement])
    after_comma: int = 0
    """Tokens up to and including the chunk's last comma; 0 without one."""

    def make_room(self, token: int) -> None:
        """Before this token, or the name that begins with it, is added."""
        full = len(self.tokens) == CHUNK_TOKENS
        if token == COMMA:
            self.after_comma = len(self.tokens) + 1
        if full:
            self._close_at(CHUNK_TOKENS if token == COMMA else self._cut())

    def add(self, token: int, weight: float) -> None:
        self.tokens.append(token)
        self.weights.append(weight)

    def place(self, named: Named, weight: float) -> None:
        """A chunk has no room for more vectors than it has tokens; the rest is left out."""
        count = min(named.vectors, CHUNK_TOKENS)
        if len(self.tokens) + count > CHUNK_TOKENS:
            self.close_full()
        self.placements.append(Placement(len(self.tokens) + 1, named.key))
        self.tokens += [REPLACED] * count
        self.weights += [weight] * count

    def close_full(self) -> None:
        self._close_at(len(self.tokens))

    def finish(self) -> ChunkedPrompt:
        if self.tokens or not self.chunks:
            self.count += len(self.tokens)
            self._frame(len(self.tokens))
        return ChunkedPrompt(self.chunks, self.count)

    def _cut(self) -> int:
        """Where the full chunk ends: after its last comma or, with that too far back, where it is full."""
        near = CHUNK_TOKENS - (self.after_comma - 1) <= self.backtrack
        return self.after_comma if self.after_comma and near else CHUNK_TOKENS

    def _close_at(self, end: int) -> None:
        self.count += CHUNK_TOKENS
        self._frame(end)

    def _frame(self, end: int) -> None:
        """What follows `end` moves to the next chunk, but not its vectors: A1111 leaves those where they were."""
        padding = CHUNK_TOKENS - end
        tokens = [START, *self.tokens[:end], *[END] * (padding + 1)]
        weights = [1.0, *self.weights[:end], *[1.0] * (padding + 1)]
        self.chunks.append(Chunk(tokens, weights, self.placements))
        self.placements = []
        self.tokens, self.weights, self.after_comma = self.tokens[end:], self.weights[end:], 0
