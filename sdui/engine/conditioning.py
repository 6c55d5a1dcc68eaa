"""From prompts to what the network is told at each step; equal texts are encoded once and kept between jobs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor

from sdui.models.families.base import Conditioning, LoadedModel
from sdui.models.store import Lease
from sdui.prompt.attention import parse_attention
from sdui.prompt.chunks import Chunk, chunk_prompt
from sdui.prompt.composition import parse_composition
from sdui.prompt.schedule import TextUntil, schedule
from sdui.prompt.tokenizer import Tokenizer

CHUNK_LENGTH = 77
"""Tokens of a chunk in the context, its start and end included."""
KEPT_TEXTS = 64
"""Encoded texts that stay in memory: at most some 20 MB for prompts of a few chunks."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One text's conditioning over the run: (last call it is used at, conditioning [1,T,D]), in order."""

    entries: tuple[tuple[int, Conditioning], ...]

    def at(self, call: int) -> Tensor:
        """Context [1,T,D] for the network's `call`-th look, counted from 0."""
        return next((c.context for until, c in self.entries if call <= until), self.entries[-1][1].context)


@dataclass(frozen=True, slots=True)
class Prompts:
    """A positive prompt of one or several weighted parts, and the negative one."""

    parts: tuple[tuple[float, Scheduled], ...]
    negative: Scheduled

    def chunks(self) -> int:
        """Of 75 tokens, in the longest of the prompts."""
        longest = max(scheduled.at(0).shape[1] for scheduled in (self.negative, *(part for _, part in self.parts)))
        return longest // CHUNK_LENGTH


class Conditioner:
    def __init__(self) -> None:
        self._tokenizer = Tokenizer()
        self._kept: OrderedDict[tuple[str, int, tuple[TextUntil, ...]], Scheduled] = OrderedDict()

    def prompts(self, lease: Lease, positive: str, negative: str, calls: int, clip_skip: int) -> Prompts:
        """calls: how often the network is asked during the run; prompt editing counts them."""
        parts = tuple(
            (part.weight, self._scheduled(lease, schedule(part.text, calls), clip_skip))
            for part in parse_composition(positive)
        )
        return Prompts(parts, self._scheduled(lease, schedule(negative, calls), clip_skip))

    def _scheduled(self, lease: Lease, entries: list[TextUntil], clip_skip: int) -> Scheduled:
        key = (lease.sha256, clip_skip, tuple(entries))
        if key not in self._kept:
            self._kept[key] = self._encode(lease.model, entries, clip_skip)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_TEXTS:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _encode(self, model: LoadedModel, entries: list[TextUntil], clip_skip: int) -> Scheduled:
        """All texts of a schedule together: the attention weights' mean is taken over them, as A1111 does."""
        chunked = [self._chunks(text, model.padding_token) for _, text in entries]
        longest = max(len(chunks) for chunks in chunked)
        empty = self._chunks("", model.padding_token)
        padded = [chunks + empty * (longest - len(chunks)) for chunks in chunked]
        encoded = model.encode_text(_stack(padded, "tokens", torch.int64), _stack(padded, "weights"), clip_skip, True)
        contexts = [Conditioning(encoded.context[i : i + 1]) for i in range(len(entries))]
        return Scheduled(tuple(zip((entry.until for entry in entries), contexts, strict=True)))

    def _chunks(self, text: str, pad: int) -> list[Chunk]:
        return chunk_prompt(parse_attention(text), self._tokenizer.encode, pad=pad).chunks


def _stack(texts: list[list[Chunk]], attribute: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """[B,N,77]."""
    return torch.tensor([[getattr(chunk, attribute) for chunk in chunks] for chunks in texts], dtype=dtype)
