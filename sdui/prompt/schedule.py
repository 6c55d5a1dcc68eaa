"""Prompt editing and alternation: which text holds until which step.

The language is A1111's. [from:to:when], [to:when] and [from::when] change the text once; [a|b|c] takes the next option
at every step, beginning with the first. `when` is a step, or with a decimal point a fraction of the steps.

How brackets are read:
- ( ) and [ ] must match and nest. Round brackets with at most one colon, and square brackets with neither colon nor
  bar, are emphasis and stay in the text as they are. A square bracket with bars only is an alternation; one with one or
  two colons whose last part is a number is an edit. A character after a backslash is text; the backslash stays.
- Everything else (a bracket without its partner, a colon outside brackets, an edit without a number) is plain text,
  and so are the brackets around it; well-formed brackets inside it still count.
- A bar outside an alternation or a backslash before nothing or a line break makes the whole prompt plain text.

Where a well-formed edit stands right before a stray bracket or colon, as in "[a:b:0.5]]", A1111's answer follows no
rule: its parser library settles such ties by string hashes. Here the edit always counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

_TOKEN = re.compile(r"(?P<text>(?:[^\\\[\]():|]|\\.)++)|(?P<mark>[\[\]():|])|(?P<unreadable>\\)")
_NUMBER = re.compile(r"\s*+([+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)\s*+")
_OPENER = {")": "(", "]": "["}
_MOST_TEXTS = 2
"""An edit's: before and after."""


class TextUntil(NamedTuple):
    """`text` holds up to and including step `until` (counted from 1)."""

    until: int
    text: str


def schedule(text: str, steps: int, hires_steps: int | None = None, old: bool = False) -> list[TextUntil]:
    """The texts of a pass in order; the last one's `until` is the number of steps of the pass. Never raises.

    With `hires_steps` the texts are those of the second pass: whole numbers count on from the first pass, a fraction of
    1 to 2 is a place in the second pass. `old` is A1111's scheduling from before 1.6: numbers below 1 are fractions,
    others are steps, both passes share the first pass' timeline.
    """
    timeline = _Timeline(steps, 0, old) if hires_steps is None or old else _Timeline(hires_steps, steps, old)
    reader = _Reader(timeline)
    try:
        items = reader.read(text)
    except _PlainText:
        return [TextUntil(timeline.steps, text)]
    every_step = range(1, timeline.steps + 1) if reader.alternates else ()
    return [TextUntil(step, _text_at(items, step)) for step in sorted(reader.changes.union(every_step))]


class _PlainText(Exception):
    """The prompt cannot be read as a schedule."""


@dataclass(frozen=True, slots=True)
class _Timeline:
    steps: int
    steps_before: int
    old: bool

    def step(self, number: str) -> int:
        """The last step before the change: 0 (changed from the start) to the number of steps (never)."""
        value = float(number)
        if self.old:
            value = value * self.steps if value < 1 else value
        elif "." in number:
            value = (value - (1.0 if self.steps_before else 0.0)) * self.steps
        else:
            value -= self.steps_before
        return int(min(max(value, 0.0), self.steps))


@dataclass(frozen=True, slots=True)
class _Edit:
    before: _Content
    after: _Content
    last_before: int

    def at(self, step: int) -> _Content:
        return self.before if step <= self.last_before else self.after


@dataclass(frozen=True, slots=True)
class _Alternation:
    options: list[_Content]

    def at(self, step: int) -> _Content:
        return self.options[(step - 1) % len(self.options)]


_Item: TypeAlias = str | _Edit | _Alternation
_Content: TypeAlias = str | list[_Item]
"""What stands between two marks of a bracket: one text where nothing in it changes."""


class _Bracket(NamedTuple):
    """An open bracket: where its content begins among the items, and its colons and bars among the separators."""

    opener: str
    content: int
    separators: int


class _Reader:
    """Reads a prompt in one pass; an edit or alternation replaces its content among the items when it closes."""

    def __init__(self, timeline: _Timeline) -> None:
        self.changes = {timeline.steps}
        self.alternates = False
        self._timeline = timeline
        self._items: list[_Item] = []
        self._open: list[_Bracket] = []
        self._separators: list[int] = []

    def read(self, text: str) -> list[_Item]:
        for match in _TOKEN.finditer(text):
            value = match.group()
            if match.lastgroup == "mark":
                self._mark(value)
            elif match.lastgroup == "text":
                self._items.append(value)
            else:
                raise _PlainText
        self._abandon_open()
        return self._items

    def _mark(self, mark: str) -> None:
        if mark in _OPENER:
            self._close(mark)
            return
        self._items.append(mark)
        if mark in "([":
            self._open.append(_Bracket(mark, len(self._items), len(self._separators)))
        elif self._open:
            self._separators.append(len(self._items) - 1)
        elif mark == "|":
            raise _PlainText

    def _close(self, mark: str) -> None:
        bracket = self._open[-1] if self._open else None
        if bracket is None or bracket.opener != _OPENER[mark] or not self._close_well(bracket, mark):
            self._abandon_open()
            self._items.append(mark)

    def _close_well(self, bracket: _Bracket, mark: str) -> bool:
        """Ends the innermost bracket; False, and nothing done, where its content is malformed."""
        separators = self._separators[bracket.separators :]
        kinds = {self._items[index] for index in separators}
        if mark == "]" and kinds:
            content = self._parts(bracket.content, separators)
            change = _Alternation(content) if kinds == {"|"} else self._edit(content) if kinds == {":"} else None
            if change is None:
                return False
            self.alternates |= kinds == {"|"}
            self._items[bracket.content - 1 :] = [change]
        elif "|" in kinds or len(separators) > 1:
            return False
        else:
            self._items.append(mark)
        del self._separators[bracket.separators :]
        self._open.pop()
        return True

    def _edit(self, parts: list[_Content]) -> _Edit | None:
        *texts, when = parts
        number = _NUMBER.fullmatch(when) if isinstance(when, str) else None
        if number is None or len(texts) > _MOST_TEXTS:
            return None
        step = self._timeline.step(number[1])
        if step > 0:
            self.changes.add(step)
        return _Edit(texts[0] if len(texts) == _MOST_TEXTS else "", texts[-1], step)

    def _parts(self, content: int, separators: list[int]) -> list[_Content]:
        begins = [content, *(index + 1 for index in separators)]
        ends = [*separators, len(self._items)]
        return [_content(self._items[begin:end]) for begin, end in zip(begins, ends, strict=True)]

    def _abandon_open(self) -> None:
        """What is open cannot be well-formed any more: all of it is plain text."""
        if any(self._items[index] == "|" for index in self._separators):
            raise _PlainText
        self._separators.clear()
        self._open.clear()


def _content(items: list[_Item]) -> _Content:
    texts = [item for item in items if isinstance(item, str)]
    return "".join(texts) if len(texts) == len(items) else items


def _text_at(items: list[_Item], step: int) -> str:
    texts: list[str] = []
    stack: list[Iterator[_Item]] = [iter(items)]
    while stack:
        for item in stack[-1]:
            content = item if isinstance(item, str) else item.at(step)
            if isinstance(content, str):
                texts.append(content)
            else:
                stack.append(iter(content))
                break
        else:
            stack.pop()
    return "".join(texts)
