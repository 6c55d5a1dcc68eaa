"""Names that stand for vectors of their own (textual inversion, arXiv:2208.01618), found among a prompt's tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Named(NamedTuple):
    """What a name in a prompt stands for."""

    length: int
    """Tokens that the name takes in the prompt."""
    vectors: int
    """Tokens that its vectors take in the chunk."""
    key: str


Lookup = Callable[[Sequence[int], int], Named | None]
"""The name that begins at this position of the tokens."""


def no_names(tokens: Sequence[int], position: int) -> None:
    """A `Lookup` that finds nothing."""


class NameIndex(Generic[T]):
    """Things by the tokens of their names. A look at one position takes as long with ten names as with ten thousand."""

    def __init__(self, named: Iterable[tuple[Sequence[int], T]] = ()) -> None:
        """Of things whose names have equal tokens the first comes first; a name without tokens is never found."""
        self._things: dict[tuple[int, ...], tuple[T, ...]] = {}
        self._lengths: dict[int, tuple[int, ...]] = {}
        """Of the names that begin with this token, the longest first."""
        self._add(named)

    def plus(self, named: Iterable[tuple[Sequence[int], T]]) -> NameIndex[T]:
        """With more things, which come after those of equal tokens that are there."""
        more: NameIndex[T] = NameIndex()
        more._things, more._lengths = self._things.copy(), self._lengths.copy()
        more._add(named)
        return more

    def at(self, tokens: Sequence[int], position: int) -> Iterator[tuple[int, T]]:
        """The things whose names begin at this position and how many tokens long those are, the longest first."""
        for length in self._lengths.get(tokens[position], ()):
            run = tuple(tokens[position : position + length])
            if len(run) == length:
                yield from ((length, thing) for thing in self._things.get(run, ()))

    def _add(self, named: Iterable[tuple[Sequence[int], T]]) -> None:
        for tokens, thing in named:
            run = tuple(tokens)
            if not run:
                continue
            self._things[run] = (*self._things.get(run, ()), thing)
            lengths = {len(run), *self._lengths.get(run[0], ())}
            self._lengths[run[0]] = tuple(sorted(lengths, reverse=True))
