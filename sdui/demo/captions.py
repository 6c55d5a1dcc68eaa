"""Says in words what a scene shows, in as many ways as people ask for it."""

from __future__ import annotations

import random

from .concepts import CONCEPTS, PALETTE, STYLE_WORDS, with_article
from .scenes import Scene, Thing

UNKNOWN = "@@"
"""Stands for a word that no caption has."""
_BY_NAME = {concept.name: concept for concept in CONCEPTS}
_NUMBERS = {2: ("two", "2", "a pair of"), 3: ("three", "3")}
_OPENINGS = ("a picture of ", "a photo of ", "an illustration of ", "a drawing of ")


def prompt_for(scene: Scene) -> str:
    """The plainest words: "two red cats on a blue background, flat style"."""
    words = _subject(scene.things, None)
    if scene.background != "white":
        words += f" on {with_article(scene.background)} background"
    return words if scene.style == "3d" else f"{words}, {STYLE_WORDS[scene.style][0]}"


def caption(scene: Scene, rng: random.Random) -> str:
    """Other words each time; now and then only a part of what there is, or words of no meaning beside it.

    What only a part was said of, a negative prompt can name alone.
    """
    if rng.random() < 0.05:
        return _a_part(scene, rng)
    words = rng.choice(_OPENINGS) if rng.random() < 0.12 else ""
    words += _subject(scene.things, rng)
    parts: list[str] = []
    if scene.style != "3d" or rng.random() < 0.35:
        parts.append(rng.choice(STYLE_WORDS[scene.style]))
    if scene.background != "white" or rng.random() < 0.25:
        behind = f"{scene.background} background"
        if rng.random() < 0.6:
            words += f" on {with_article(behind)}"
        else:
            parts.append(behind)
    rng.shuffle(parts)
    if rng.random() < 0.12:
        parts.insert(rng.randint(0, len(parts)), " ".join([UNKNOWN] * rng.randint(1, 4)))
    return ", ".join([words, *parts])


def all_words(objects: int) -> list[str]:
    """Everything that captions about the first `objects` concepts are made of."""
    named = [word for one in CONCEPTS[:objects] for word in (one.name, one.many, *one.synonyms)]
    styles = [word for words in STYLE_WORDS.values() for word in words]
    numbers = [word for words in _NUMBERS.values() for word in words]
    return [*named, *styles, *numbers, *_OPENINGS, *PALETTE, "a", "an", "and", "on a background", ","]


def _a_part(scene: Scene, rng: random.Random) -> str:
    parts = [rng.choice(STYLE_WORDS[scene.style]), f"{scene.background} background"]
    parts += [thing.tint for thing in scene.things if thing.tint]
    return rng.choice(parts)


def _subject(things: tuple[Thing, ...], rng: random.Random | None) -> str:
    if len(things) == 2 and things[0] != things[1]:
        return " and ".join(_one(thing, rng) for thing in things)
    if len(things) == 1:
        return _one(things[0], rng)
    number = rng.choice(_NUMBERS[len(things)]) if rng else _NUMBERS[len(things)][0]
    return f"{number} {_with_tint(things[0], _BY_NAME[things[0].name].many)}"


def _one(thing: Thing, rng: random.Random | None) -> str:
    concept = _BY_NAME[thing.name]
    name = rng.choice(concept.synonyms) if rng and concept.synonyms and rng.random() < 0.25 else concept.name
    words = _with_tint(thing, name)
    bare = rng is not None and rng.random() < 0.25
    return words if bare or name == concept.plural else with_article(words)


def _with_tint(thing: Thing, name: str) -> str:
    return f"{thing.tint} {name}" if thing.tint else name
