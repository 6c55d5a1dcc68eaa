"""Emphasis as A1111 had it before September 2022: brackets are found among the tokens, and only one chunk is used.

There are no numbers, escapes or BREAK: an opening round bracket multiplies the weight of all that follows by 1.1 and a
closing one divides it again, square ones the other way round. Tokens beyond the first 75 are lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .chunks import CHUNK_TOKENS, REPLACED, Chunk, ChunkedPrompt, Placement
from .names import Lookup, no_names
from .tokenizer import END, START

_BRACKETS = "([)]"


def bracket_factors(vocabulary: Mapping[str, int]) -> dict[int, float]:
    """How the tokens with brackets change the weight; one whose brackets cancel out is a token like any other."""
    factors = {token: _factor(text) for text, token in vocabulary.items() if any(mark in text for mark in _BRACKETS)}
    return {token: factor for token, factor in factors.items() if factor != 1.0}


def chunk_prompt_old(
    text: str, encode: Callable[[str], list[int]], factors: Mapping[int, float], lookup: Lookup = no_names
) -> ChunkedPrompt:
    """Tokens named in `factors` vanish and change the weight from there on; without any nothing is emphasised.

    `lookup` knows the names with vectors, which may here reach to the place of the end token.
    """
    encoded, position = encode(text), 0
    tokens: list[int] = []
    weights: list[float] = []
    placements: list[Placement] = []
    weight = 1.0
    while position < len(encoded):
        token, named = encoded[position], lookup(encoded, position)
        if token in factors:
            weight *= factors[token]
            position += 1
            continue
        if named:
            placements.append(Placement(len(tokens) + 1, named.key))
        tokens += [REPLACED] * named.vectors if named else [token]
        weights += [weight] * (named.vectors if named else 1)
        position += named.length if named else 1
    kept = min(len(tokens), CHUNK_TOKENS)
    padding = CHUNK_TOKENS - kept + 1
    seen = [placement for placement in placements if placement.position <= CHUNK_TOKENS + 1]
    chunk = Chunk([START, *tokens[:kept], *[END] * padding], [1.0, *weights[:kept], *[1.0] * padding], seen)
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
