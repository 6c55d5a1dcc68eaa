"""Dynamic prompts: {a|b}, {0.3::a|b}, {2$$a|b|c}, {1-2$$ and $$a|b} and __wildcards__, in the form that users know.

The form is that of sd-dynamic-prompts. Braces without "|" or "$$" are words, as some write them for emphasis; a
backslash keeps a brace.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sdui.core.errors import RequestError

Lookup = Callable[[str], Sequence[str]]
"""The lines of a wildcard, empty where there is none of this name."""

_WILDCARD = re.compile(r"__((?:(?!__)[\w./*?\- ])+)__")
_COUNT = re.compile(r"\s*(\d+)?(-)?(\d+)?\$\$")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d+)?)::")
_DEEPEST = 20
_LONGEST = 100_000
"""Characters of an expanded prompt."""


class _Choice(NamedTuple):
    text: str
    weight: float


def is_dynamic(text: str) -> bool:
    """Whether `expanded` might change it."""
    return bool(_WILDCARD.search(text)) or ("{" in text and ("|" in text or "$$" in text))


def expanded(text: str, chance: random.Random, lookup: Lookup) -> str:
    """With words chosen by `chance`, the same for the same state of it. A wildcard that is not there stays.

    Raises RequestError for wildcards that name each other without end.
    """
    return _Expansion(chance, lookup).of(text, 0)


class _Expansion:
    def __init__(self, chance: random.Random, lookup: Lookup) -> None:
        self._chance, self._lookup, self._written = chance, lookup, 0

    def of(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise RequestError(f"Prompt: wildcards name each other without end, near {text[:60]!r}.")
        made, at = "", 0
        while at < len(text):
            if text[at] == "\\" and text[at + 1 : at + 2]:
                made, at = made + text[at : at + 2], at + 2
            elif text[at] == "{" and (end := _closing(text, at)):
                made, at = made + self._variant(text[at + 1 : end], depth), end + 1
            elif match := _WILDCARD.match(text, at):
                made, at = made + self._wildcard(match[0], match[1], depth), match.end()
            else:
                made, at = made + text[at], at + 1
        self._written += len(made)
        if self._written > _LONGEST:
            raise RequestError("Prompt: it becomes too long; are there wildcards that name themselves?")
        return made

    def _variant(self, inner: str, depth: int) -> str:
        count = _COUNT.match(inner)
        parts = _split(inner[count.end() :] if count else inner, "$$")
        between, body = (parts[0], "$$".join(parts[1:])) if count and len(parts) > 1 else (", ", parts[0])
        choices = [_weighed(option) for option in _split(body if count else inner, "|")]
        if count is None:
            if len(choices) == 1:
                return "{" + self.of(inner, depth + 1) + "}"
            return self.of(self._chosen(choices, 1)[0], depth + 1)
        choices = self._of_one_wildcard(choices)
        chosen = self._chosen(choices, self._how_many(count, len(choices)))
        return between.join(self.of(text, depth + 1) for text in chosen)

    def _how_many(self, count: re.Match[str], most: int) -> int:
        low, dash, high = count.groups()
        first = int(low) if low else (0 if dash else 1)
        last = int(high) if high else (most if dash else first)
        return min(most, self._chance.randint(min(first, last), max(first, last)))

    def _of_one_wildcard(self, choices: list[_Choice]) -> list[_Choice]:
        """{2$$__colours__} chooses two of the wildcard's lines."""
        match = _WILDCARD.fullmatch(choices[0].text.strip()) if len(choices) == 1 else None
        lines = [_weighed(line) for line in self._lookup(match[1])] if match else []
        return lines or choices

    def _wildcard(self, written: str, name: str, depth: int) -> str:
        lines = [_weighed(line) for line in self._lookup(name)]
        return self.of(self._chosen(lines, 1)[0], depth + 1) if lines else written

    def _chosen(self, choices: list[_Choice], count: int) -> list[str]:
        """Different ones, in the order in which they were drawn."""
        left, made = list(choices), list[str]()
        for _ in range(min(count, len(left))):
            weights = [choice.weight for choice in left]
            place = self._chance.choices(range(len(left)), weights if any(weights) else None)[0]
            made.append(left.pop(place).text)
        return made


def _weighed(option: str) -> _Choice:
    match = _WEIGHT.match(option)
    return _Choice(option[match.end() :], float(match[1])) if match else _Choice(option, 1.0)


def _closing(text: str, at: int) -> int:
    """Where the brace at `at` is closed; 0 where it is not."""
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in "{}":
            depth += 1 if text[at] == "{" else -1
            if not depth:
                return at
        at += 1
    return 0


def _split(text: str, by: str) -> list[str]:
    """At each `by` outside braces."""
    parts, depth, begin, at = list[str](), 0, 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in "{}":
            depth += 1 if text[at] == "{" else -1
        elif not depth and text.startswith(by, at):
            parts.append(text[begin:at])
            begin, at = at + len(by), at + len(by) - 1
        at += 1
    return [*parts, text[begin:]]
