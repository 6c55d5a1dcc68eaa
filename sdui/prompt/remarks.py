"""What a prompt says that will not be read as its writer may think: a sentence for each such place. Never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .extra_networks import parse_extra_networks

_UNCLOSED = re.compile(r"<\w+:[^>]*\Z")
_EMPTY = re.compile(r"<\w+:>")
_TOKEN = re.compile(r"\\.|[()\[\]:|]", re.DOTALL)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
_OPENER = {")": "(", "]": "["}
_SHOWN = 24
"""Characters of the prompt that a remark quotes."""
_MOST_COLONS = 2
_FEW = 5
"""Remarks that are worth reading."""


def syntax_remarks(prompt: str) -> list[str]:
    """About brackets, tags and edits, `_FEW` at most; comments are to be taken out before."""
    text, _ = parse_extra_networks(prompt)
    if unclosed := _UNCLOSED.search(text):
        text = text[: unclosed.start()]
    found = [f"{_quoted(tag)} names no file." for tag in _EMPTY.findall(text)]
    found += [f"{_quoted(unclosed[0])} is never closed by a >."] if unclosed else []
    return [*found, *_about_brackets(_EMPTY.sub("", text))][:_FEW]


@dataclass(slots=True)
class _Bracket:
    opener: str
    start: int
    separators: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Its own colons and bars, and where they stand."""


def _about_brackets(text: str) -> Iterator[str]:
    """Round and square ones close each for itself, as attention reads them; colons belong to the innermost."""
    opened: list[_Bracket] = []
    for match in _TOKEN.finditer(text):
        mark, place = match[0], match.start()
        if mark in "([":
            opened.append(_Bracket(mark, place))
        elif mark in _OPENER:
            bracket = next((one for one in reversed(opened) if one.opener == _OPENER[mark]), None)
            if bracket is None:
                yield f"Nothing opens the {mark} in {_quoted(text[max(0, place - _SHOWN // 2) : place + 1])}."
                continue
            opened.remove(bracket)
            if mark == "]" and (wrong := _wrong_edit(text, bracket, place)):
                yield f"{_quoted(text[bracket.start : place + 1])} is read as plain text: {wrong}."
        elif opened and mark in ":|":
            opened[-1].separators.append((mark, place))
    for bracket in opened:
        yield f"{_quoted(text[bracket.start :])} is never closed."


def _wrong_edit(text: str, bracket: _Bracket, end: int) -> str:
    """Why a square bracket with colons is no edit; "" for a good one and for one that only lowers attention."""
    marks = [mark for mark, _ in bracket.separators]
    if ":" not in marks:
        return ""
    if "|" in marks:
        return "it has both : and |"
    if len(marks) > _MOST_COLONS:
        return "it has more than two colons"
    if not _NUMBER.fullmatch(text, bracket.separators[-1][1] + 1, end):
        return "after the last colon must be a number, as in [from:to:0.5]"
    return ""


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= _SHOWN else line[: _SHOWN - 1] + '…'}”"
