"""Emphasis: a prompt taken apart into pieces of text, each with its weight.

The language is A1111's. (text) multiplies the weight by 1.1, [text] divides it by 1.1, (text:1.3) multiplies it by 1.3;
brackets nest and may be left open, then they reach to the end. A backslash makes a bracket or a backslash literal and
vanishes before anything else. A closing bracket that nothing opened is text. The word BREAK is a piece of its own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple


class Piece(NamedTuple):
    """Text with one weight; 1.0 is neutral, any sign and size is possible."""

    text: str
    weight: float


BREAK = Piece("BREAK", -1.0)
"""A piece equal to this one closes a chunk. Inside emphasis BREAK gets another weight and is a word, as in A1111."""

_NUMBER = r"\s*+([+-]?(?:\d++\.?\d*+|\.\d++))\s*+\)"
_TOKEN = re.compile(
    rf"\\(?P<escaped>[()\[\]\\]?)|:(?P<factor>{_NUMBER})|(?P<bracket>[()\[\]])|(?P<plain>(?:[^\\()\[\]:]++|:(?!{_NUMBER}))++)"
)
_BREAK_WORD = re.compile(r"\bBREAK\b")
_OPENER = {")": "(", "]": "["}
_EXACT_DEPTH = 64
"""Down to this depth factors are multiplied in A1111's order, innermost first, so that weights are equal to the bit."""


@dataclass(slots=True)
class _Span:
    """Pieces start <= index < end are multiplied by factor; order counts the spans as they close."""

    start: int
    factor: float
    end: int = 0
    order: int = 0


@dataclass(slots=True)
class _Brackets:
    """All brackets of one kind: spans in opening order, and which of them are open, outermost first."""

    factor: float
    spans: list[_Span] = field(default_factory=list[_Span])
    open: list[_Span] = field(default_factory=list[_Span])

    def start(self, index: int) -> None:
        span = _Span(index, self.factor)
        self.open.append(span)
        self.spans.append(span)


@dataclass(slots=True)
class _Scan:
    """What has been read: texts with their own weight (1; BREAK: -1) and the brackets around them."""

    texts: list[str] = field(default_factory=list[str])
    weights: list[float] = field(default_factory=list[float])
    brackets: dict[str, _Brackets] = field(default_factory=lambda: {"(": _Brackets(1.1), "[": _Brackets(1 / 1.1)})
    closed: int = 0

    def add(self, text: str, weight: float = 1.0) -> None:
        self.texts.append(text)
        self.weights.append(weight)

    def add_text(self, text: str) -> None:
        if BREAK.text not in text:
            self.add(text)
            return
        before, *parts = _BREAK_WORD.split(text)
        self.add(before.rstrip() if parts else before)
        for number, part in enumerate(parts, start=1):
            self.add(*BREAK)
            self.add(part.lstrip() if number == len(parts) else part.strip())

    def add_bracket(self, mark: str) -> None:
        opener = _OPENER.get(mark)
        if opener is None:
            self.brackets[mark].start(len(self.texts))
        elif self.brackets[opener].open:
            self.close(self.brackets[opener])
        else:
            self.add_text(mark)

    def close(self, brackets: _Brackets) -> _Span:
        span = brackets.open.pop()
        span.end, span.order = len(self.texts), self.closed
        self.closed += 1
        return span

    def close_all(self) -> None:
        for brackets in self.brackets.values():
            while brackets.open:
                self.close(brackets)


def parse_attention(text: str) -> list[Piece]:
    """The pieces of `text` in order, neighbours of equal weight joined; at least one piece. Never raises."""
    scan = _Scan()
    for match in _TOKEN.finditer(text):
        kind, value = match.lastgroup, match.group()
        if kind == "escaped":
            scan.add(match["escaped"])
        elif kind == "factor" and scan.brackets["("].open:
            scan.close(scan.brackets["("]).factor = float(match[3])
        elif kind == "bracket":
            scan.add_bracket(value)
        else:
            scan.add_text(value)
    scan.close_all()
    weighted = zip(_weights(scan), scan.texts, strict=True)
    pieces = [
        Piece("".join(text for _, text in group), weight) for weight, group in groupby(weighted, key=itemgetter(0))
    ]
    return pieces or [Piece("", 1.0)]


def _weights(scan: _Scan) -> list[float]:
    """Every text's own weight times the factors of the brackets around it."""
    rounds, squares = (_Enclosing(brackets.spans) for brackets in scan.brackets.values())
    weights: list[float] = []
    factor = 1.0
    for index, weight in enumerate(scan.weights):
        # both must move, so no short circuit
        if rounds.move_to(index) | squares.move_to(index):
            factor = _product(rounds, squares)
        weights.append(weight * factor)
    return weights


class _Enclosing:
    """The spans of one kind of bracket that enclose a moving index, outermost first, and their factors."""

    def __init__(self, spans: list[_Span]) -> None:
        """`spans` in opening order."""
        self.spans: list[_Span] = []
        self.factors: list[float] = []
        self.products = [1.0]
        self._coming = spans[::-1]

    def move_to(self, index: int) -> bool:
        """True where the enclosing spans are not those of the index before."""
        moved = False
        while self.spans and self.spans[-1].end <= index:
            del self.spans[-1], self.factors[-1], self.products[-1]
            moved = True
        while self._coming and self._coming[-1].start == index:
            span = self._coming.pop()
            if span.end > index:
                self.spans.append(span)
                self.factors.append(span.factor)
                self.products.append(self.products[-1] * span.factor)
                moved = True
        return moved


def _product(rounds: _Enclosing, squares: _Enclosing) -> float:
    if len(rounds.spans) + len(squares.spans) > _EXACT_DEPTH:
        return rounds.products[-1] * squares.products[-1]
    if rounds.spans and squares.spans:
        return math.prod(span.factor for span in sorted(rounds.spans + squares.spans, key=attrgetter("order")))
    return math.prod(reversed(rounds.factors or squares.factors))
