"""The files that prompts name, found by what is typed or written; the worker knows them."""

from __future__ import annotations

from sdui.core.networks import CardKind, Network, NetworkPage, NetworkQuery
from sdui.services import Services

_MOST = 300
"""Of tens of thousands that are looked through."""


def found(services: Services, kind: CardKind, words: str) -> NetworkPage:
    """Those with every word in path, alias or hash, by name; of very many only the first few hundred."""
    return services.jobs.library().page(NetworkQuery(kind, words, by_name=True, sort="name", count=_MOST))


def is_missing(services: Services, kind: CardKind, name: str) -> bool:
    """Whether no file has this name or alias; False where there are too many to tell."""
    page = found(services, kind, name)
    if any(name in _names(network) for network in page.entries):
        return False
    return len(page.entries) == page.found


def _names(network: Network) -> tuple[str, ...]:
    """By which prompts may name it."""
    title = network.title
    return network.name, network.alias, title, title.rpartition(".")[0], title.rpartition("/")[2]
