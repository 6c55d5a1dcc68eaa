"""AND: several prompts that guide one picture together, each with a weight of its own ("a cat :1.2 AND a dog")."""

from __future__ import annotations

import re
from typing import NamedTuple

_AND = re.compile(r"\bAND\b")
_WEIGHT = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")


class Part(NamedTuple):
    """One prompt of a composition; the weight is 1.0 unless given, and may be zero or negative."""

    text: str
    weight: float


def parse_composition(text: str) -> list[Part]:
    """The parts in order, at least one. White space before a part stays, at its end it goes. Never raises.

    A1111 reads AND in the prompt only: a negative prompt is one part.
    """
    return [_part(part) for part in _AND.split(text)]


def _part(text: str) -> Part:
    before, colon, after = text.rpartition(":")
    number = after.strip()
    if colon and _WEIGHT.fullmatch(number):
        return Part(before.rstrip(), float(number))
    return Part(text.rstrip(), 1.0)
