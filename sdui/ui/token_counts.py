"""POST /page/tokens: how many tokens the prompts take, and quiet remarks about what is written in them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sdui.core.errors import RequestError
from sdui.core.networks import CardKind
from sdui.prompt.comments import without_comments
from sdui.prompt.counter import count_tokens
from sdui.prompt.extra_networks import parse_extra_networks
from sdui.prompt.names import Lookup, Named, NameIndex, no_names
from sdui.prompt.remarks import syntax_remarks
from sdui.prompt.styles import StyleDatabase
from sdui.prompt.tokenizer import Tokenizer
from sdui.services import Services

from . import named_files

_LONGEST = 100_000
_MOST_CHARACTERS = 2_000_000
"""That are counted, of all steps together: an alternation has another text at every step."""
_KINDS: dict[str, CardKind] = {"lora": "lora", "lyco": "lora", "hypernet": "hypernetwork"}
"""Of files, by the kind of the tag."""

Prompt = Annotated[str, Field(max_length=_LONGEST)]


class Typed(BaseModel):
    """What stands in the boxes of a tab."""

    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    steps: Annotated[int, Field(ge=1, le=1000)] = 20
    styles: Annotated[list[str], Field(max_length=1000)] = []


class TokenCounts:
    """Safe to ask from several threads."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def counted(self, typed: Typed) -> dict[str, dict[str, Any]]:
        """By the box: tokens `used`, `room` for them, and `remarks` in words."""
        remarks: list[str] = []
        try:
            styles = self._services.styles.read() if typed.styles else StyleDatabase()
        except RequestError as error:
            styles = StyleDatabase()
            remarks.append(str(error))
        else:
            remarks += [f"There is no style {name!r} any more." for name in styles.unknown(typed.styles)]
        first = self._counted(typed.prompt, typed, styles)
        return {
            "prompt": first | {"remarks": [*remarks, *first["remarks"]]},
            "negative_prompt": self._counted(typed.negative_prompt, typed, styles, negative=True),
        }

    def _counted(self, prompt: str, typed: Typed, styles: StyleDatabase, *, negative: bool = False) -> dict[str, Any]:
        written = without_comments(prompt)
        remarks = [*syntax_remarks(written), *self._unknown_files(written)]
        try:
            text = without_comments(styles.apply(prompt, typed.styles, negative=negative))
        except RequestError as error:
            text, remarks = written, [*remarks, str(error)]
        steps = min(typed.steps, max(1, _MOST_CHARACTERS // max(1, len(text))))
        used, room = count_tokens(
            text, steps, self._tokenizer.encode, negative=negative, lookup=self._embeddings_in(text)
        )
        return {"used": used, "room": room, "remarks": remarks}

    def _embeddings_in(self, text: str) -> Lookup:
        sizes = self._services.jobs.embedding_sizes(text)
        index = NameIndex((self._tokenizer.encode(name), (name, size)) for name, size in sizes.items())

        def lookup(tokens: Sequence[int], position: int) -> Named | None:
            found = next(index.at(tokens, position), None)
            return found and Named(found[0], found[1][1], found[1][0])

        return lookup if sizes else no_names

    def _unknown_files(self, prompt: str) -> Iterator[str]:
        _, tags = parse_extra_networks(prompt)
        for kind, name in dict.fromkeys((tag.kind, tag.positional[0]) for tag in tags if tag.positional):
            if not name.strip():
                yield f"A tag <{kind}:…> names no file."
            elif kind not in _KINDS:
                yield f"There are no networks of the kind {kind!r}; known are {', '.join(_KINDS)}."
            elif named_files.is_missing(self._services, _KINDS[kind], name):
                yield f"There is no {_KINDS[kind]} {name!r} here."

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer()


def routes(services: Services) -> APIRouter:
    router = APIRouter()
    router.post("/page/tokens")(TokenCounts(services).counted)
    return router
