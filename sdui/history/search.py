"""What is typed into the search box, as conditions of SQL.

Words are looked for by their beginning in every text of a picture; "in quotes" they have to follow each other. A field
in front narrows it: model:demo lora:"my style" sampler:euler seed:41 date:2026-11 date:2026-11-01..2026-11-20
is:favourite. All of it has to be true at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sdui.core.errors import RequestError

_LONGEST = 500
"""Characters; more cannot have been meant."""
_TERM = re.compile(r'(?:(\w+):)?(?:"([^"]*)"?|(\S+))')
_COLUMNS = {"model": "model", "lora": "loras", "sampler": "sampler"}
_FAVOURITE = ("favourite", "favorite")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_SEED = re.compile(r"\d{1,18}")
_NANOSECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Search:
    """All conditions have to hold; none stands for every picture."""

    match: str = ""
    """An expression of FTS5 for the table of words."""
    conditions: tuple[str, ...] = ()
    """Of SQL, on the number of a row."""
    values: tuple[int, ...] = ()
    """For the question marks in them."""


def read_search(text: str) -> Search:
    """A field with nothing behind it is still being typed, and says nothing. Raises RequestError, naming a field."""
    matches: list[str] = []
    conditions: list[str] = []
    values: list[int] = []
    for field, words in _terms(text):
        if field in _COLUMNS or not field:
            matches += _match(words, _COLUMNS.get(field, ""))
            continue
        condition, *given = _FIELDS[field](words)
        conditions.append(condition)
        values += given
    return Search(" AND ".join(matches), tuple(conditions), tuple(values))


def _terms(text: str) -> Iterator[tuple[str, str]]:
    """Fields, "" for none, and what stands behind them; a colon behind any other word belongs to the text."""
    clean = text[:_LONGEST].encode(errors="replace").decode().replace("\0", " ")
    for term in _TERM.finditer(clean):
        field, words = (term[1] or "").lower(), term[3] if term[2] is None else term[2]
        if words[-1:] == ":" and not field:
            field, words = words[:-1].lower(), ""
        if field not in _COLUMNS and field not in _FIELDS:
            yield "", term[0]
        elif words:
            yield field, words


def _match(words: str, column: str) -> Iterator[str]:
    """Nothing where there is no letter or digit: such words are in no index."""
    if any(character.isalnum() for character in words):
        quoted = words.replace('"', " ")
        yield f'{column} : "{quoted}" *' if column else f'"{quoted}" *'


def _seed(words: str) -> tuple[Any, ...]:
    if not _SEED.fullmatch(words):
        raise RequestError(f"seed: {words} is no seed; write a whole number, such as seed:41.")
    return "rowid IN (SELECT place FROM pictures WHERE seed = ?)", int(words)


def _is(words: str) -> tuple[Any, ...]:
    if words.lower() not in _FAVOURITE:
        raise RequestError(f"is: {words} is nothing that is known of pictures; there is is:favourite.")
    return ("rowid IN (SELECT place FROM pictures WHERE favourite = 1)",)


def _date(words: str) -> tuple[Any, ...]:
    first, dots, last = words.partition("..")
    try:
        begin = _days(first)[0] if first else 0
        end = _days(last if dots else first)[1] if last or not dots else 2**63 - 1
    except (ValueError, OverflowError, OSError) as error:
        raise RequestError(
            f"date: {words} is no date; write 2026, 2026-11, 2026-11-20 or a range, 2026-11-01..2026-11-20."
        ) from error
    return "rowid >= ? AND rowid < ?", begin, end


_FIELDS = {"seed": _seed, "date": _date, "is": _is}


def _days(text: str) -> tuple[int, int]:
    """Where a year, month or day begins and where the next does, in nanoseconds. Raises ValueError and its like."""
    found = _DAY.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day = (int(part) if part else None for part in found.groups())
    if year is None:
        raise ValueError(text)
    begin = datetime(year, month or 1, day or 1)
    if day:
        end = datetime.fromordinal(begin.toordinal() + 1)
    else:
        end = datetime(year, month + 1, 1) if month and month < 12 else datetime(year + 1, 1, 1)
    return _stamp(begin), _stamp(end)


def _stamp(local: datetime) -> int:
    return int(local.timestamp()) * _NANOSECONDS
