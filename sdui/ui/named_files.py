"""The files that prompts name, found by what is typed or written; the worker knows them."""

from __future__ import annotations

from collections.abc import Iterator

from sdui.core.catalog import ModelKind, Network

from .services import Services

_MOST_PAGES = 5
"""Of a list that are looked through."""


def found(services: Services, kind: ModelKind, words: str) -> Iterator[Network]:
    """Those with every word in path, alias or hash, by name; of tens of thousands only the first few hundred."""
    for number in range(_MOST_PAGES):
        page = services.jobs.networks(kind, words, number)
        if page.number == number:
            yield from page.entries
        if page.number < number or not page.entries:
            return


def is_missing(services: Services, kind: ModelKind, name: str) -> bool:
    """Whether no file has this name or alias; False where there are too many to tell."""
    there = list(found(services, kind, name))
    if any(name in _names(network) for network in there):
        return False
    return len(there) == services.jobs.networks(kind, name).found


def _names(network: Network) -> tuple[str, ...]:
    """By which prompts may name it."""
    title = network.title
    return network.name, network.alias, title, title.rpartition(".")[0], title.rpartition("/")[2]
