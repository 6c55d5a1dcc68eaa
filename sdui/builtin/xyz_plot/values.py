"""What is written for an axis -> its values: lists with commas and quotes, ranges of numbers, orders of words."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence

from sdui.core.errors import RequestError

from .axes import Axis, Value

_WHOLE, _DECIMAL = r"[+-]?\s*\d+", r"[+-]?\s*\d+(?:\.\d*)?"
_RANGE = r"\s*({0})\s*-\s*({0})(?:\s*\(\s*([+-]?{0})\s*\)|\s*\[\s*(\d+)\s*\])?\s*"
_INTS = re.compile(_RANGE.format(_WHOLE))
_FLOATS = re.compile(_RANGE.format(_DECIMAL))
_MOST = 10_000
"""Values of one range; more is a slip of the finger."""


def split(text: str) -> list[str]:
    """ "a, b" or "a, b", each stripped; one in quotes may have commas, and lines count like commas."""
    rows = csv.reader(io.StringIO(text.strip()), skipinitialspace=True)
    return [value.strip() for row in rows for value in row]


def joined(values: Sequence[str]) -> str:
    """The reverse of `split`."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(values)
    return written.getvalue()


def parsed(axis: Axis, words: Sequence[str]) -> list[Value]:
    """Raises RequestError, naming the axis and what is wrong."""
    if axis.type == "permutations":
        if len(words) > 8:
            raise RequestError(f"{axis.label}: {len(words)} words have too many orders; give at most 8.")
        return list(itertools.permutations(words))
    if axis.type == "str":
        return list(words)
    numbers = _ints if axis.type == "int" else _floats
    return [number for word in words for number in _numbers(axis.label, word, numbers)]


def _numbers(label: str, word: str, numbers: Callable[[str], Iterator[Value]]) -> list[Value]:
    try:
        found = list(itertools.islice(numbers(word), _MOST + 1))
    except (ValueError, ZeroDivisionError) as error:
        raise RequestError(f"{label}: {word!r} is no number and no range such as 1-5, 1-5 (+2) or 1-10 [5].") from error
    if len(found) > _MOST:
        raise RequestError(f"{label}: {word!r} has more than {_MOST} values.")
    return found


def _ints(word: str) -> Iterator[int]:
    match = _INTS.fullmatch(word)
    if match is None:
        yield int(word)
        return
    start, end, step, count = (None if part is None else int(part.replace(" ", "")) for part in match.groups())
    assert start is not None and end is not None
    if count is not None:
        yield from (int(number) for number in _spread(start, end, count))
    else:
        yield from range(start, end + 1, 1 if step is None else step)


def _floats(word: str) -> Iterator[float]:
    match = _FLOATS.fullmatch(word)
    if match is None:
        number = float(word)
        if not math.isfinite(number):
            raise ValueError
        yield number
        return
    start, end = (float(part.replace(" ", "")) for part in match.groups()[:2])
    if match[4]:
        yield from _spread(start, end, int(match[4]))
        return
    step = float(match[3].replace(" ", "")) if match[3] else 1.0
    # As A1111: up to the first one that is not below the end plus a step.
    for index in range(max(0, math.ceil((end + step - start) / step))):
        yield start + index * step


def _spread(start: float, end: float, count: int) -> Iterator[float]:
    """`count` numbers at equal distances, both ends among them."""
    for index in range(count):
        yield start + (end - start) * index / max(1, count - 1)
