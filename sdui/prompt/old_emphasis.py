"""Emphasis as A1111 had it before September 2022: brackets are found among the tokens, and only one chunk is used.

There are no numbers, escapes or BREAK: an opening round bracket multiplies the weight of all that follows by 1.1 and a
closing one divides it again, square ones the other way round. Tokens beyond the first 75 are lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .chunks import CHUNK_TOKENS, Chunk, ChunkedPrompt
from .tokenizer import END, START

_BRACKETS = "([)]"


def bracket_factors(vocabulary: Mapping[str, int]) -> dict[int, float]:
    """How the tokens with brackets change the weight; one whose brackets cancel out is a token like any other."""
    factors = {token: _factor(text) for text, token in vocabulary.items() if any(mark in text for mark in _BRACKETS)}
    return {token: factor for token, factor in factors.items() if factor != 1.0}


def chunk_prompt_old(text: str, encode: Callable[[str], list[int]], factors: Mapping[int, float]) -> ChunkedPrompt:
    """Tokens named in `factors` vanish and change the weight from there on; without any nothing is emphasised."""
    tokens: list[int] = []
    weights: list[float] = []
    weight = 1.0
    for token in encode(text):
        if token in factors:
            weight *= factors[token]
        else:
            tokens.append(token)
            weights.append(weight)
    kept = min(len(tokens), CHUNK_TOKENS)
    padding = CHUNK_TOKENS - kept + 1
    chunk = Chunk([START, *tokens[:kept], *[END] * padding], [1.0, *weights[:kept], *[1.0] * padding])
    return ChunkedPrompt([chunk], len(tokens))


def _factor(text: str) -> float:
    """Multiplied and divided mark by mark, so that it is A1111's to the bit."""
    factor = 1.0
    for mark in text:
        if mark in "(]":
            factor *= 1.1
        elif mark in ")[":
            factor /= 1.1
    return factor
