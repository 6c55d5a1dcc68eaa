"""The prompts and seeds that the bundled checkpoint is measured with: always the same ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .captions import prompt_for
from .concepts import BACKGROUNDS, CONCEPTS, FEW, STYLE_WORDS, STYLES, TINTS
from .scenes import SIZES, Scene, Thing

Limit = Literal[
    "guidance", "two", "plurals", "sizes", "not colour", "not style", "not background", "img2img", "repair", "replace"
]
"""What small checkpoints are bad at: strong guidance, several things, other sizes, negative prompts, editing."""
GUIDANCE = 5.0
STRONG_GUIDANCE = 6.0
_PLACINGS = (15, 12, 11, 5, 3, 10, 8, 1, 11, 2, 13, 3)
"""Of the pictures that img2img begins with: small and far from the middle."""
FIRST = 24
"""As many concepts as the checkpoint knew that came before."""
_NAMES = tuple(concept.name for concept in CONCEPTS[:FEW])
_OWN_COLOURS = {
    "apple": "red",
    "banana": "yellow",
    "strawberry": "red",
    "fox": "orange",
    "frog": "green",
    "tree": "green",
    "star": "yellow",
    "heart": "red",
}
"""Things whose colour nobody needs to name."""


@dataclass(frozen=True, slots=True)
class Case:
    """One picture to be asked for, and what it should show."""

    scene: Scene
    prompt: str
    seed: int
    negative: str = ""
    guidance: float = GUIDANCE
    start: Scene | None = None
    """What img2img or inpainting begins with."""
    strength: float = 0.75
    """Denoising strength; without `start` it means nothing."""
    masked: float = 0.0
    """Share of each side, in the middle, that inpainting draws anew; 0 is img2img."""

    @property
    def name(self) -> str:
        """Of the thing, or the first one."""
        return self.scene.things[0].name

    @property
    def usual(self) -> Case:
        """The same without negative prompt and at the usual guidance."""
        return replace(self, negative="", guidance=GUIDANCE)


def cases() -> tuple[Case, ...]:
    """400 of single things at the native size: 144 plain, 96 with a background, 96 with a colour, 64 with both.

    Of the last three, half are combinations that training never sees, as far as a thing has any.
    """
    rng = random.Random(7)
    plain = [Scene((Thing(name),), style) for name in _NAMES for style in STYLES]
    behind = [replace(scene, background=background) for scene in plain for background in BACKGROUNDS[1:]]
    tinted = [replace(scene, things=(Thing(scene.things[0].name, tint),)) for scene in plain for tint in TINTS]
    both = [
        replace(scene, background=background)
        for scene in tinted
        for background in BACKGROUNDS[1:]
        if background != scene.things[0].tint
    ]
    chosen = [*plain, *_balanced(behind, 96, rng), *_balanced(tinted, 96, rng), *_balanced(both, 64, rng)]
    return tuple(_case(scene, number) for number, scene in enumerate(chosen))


def limits() -> dict[Limit, tuple[Case, ...]]:
    """Small sets, of the first 24 objects, so that an older checkpoint does not fail for want of words.

    Where a limit is about how a plain picture is drawn, `Case.usual` is one of `cases`.
    """
    plain = {(case.name, case.scene.style): case for case in cases() if case.scene.kind == "plain"}
    solid = [plain[name, style] for name, style in zip(_few(24, 1), ("3d", "flat") * 12, strict=True)]
    first = _few(8, 2)
    return {
        "guidance": tuple(replace(case, guidance=STRONG_GUIDANCE) for case in solid),
        "two": _numbered(_two([*_few(16, 3), *_few(16, 9)]), 1000),
        "plurals": _numbered(_plurals(_few(16, 4)), 1100),
        "sizes": _numbered(_sized(_few(24, 5)), 1200),
        "not colour": tuple(replace(plain[name, "3d"], negative=tint) for name, tint in _OWN_COLOURS.items()),
        "not style": tuple(replace(plain[name, "3d"], negative=STYLE_WORDS["3d"][0]) for name in first),
        "not background": tuple(replace(plain[name, "3d"], negative="white background") for name in first),
        "img2img": tuple(_img2img(_few(24, 6))),
        "repair": tuple(_repairs(_few(12, 7))),
        "replace": tuple(_replacements(_few(24, 8))),
    }


def _case(scene: Scene, seed: int) -> Case:
    return Case(scene, prompt_for(scene), seed)


def _numbered(scenes: Iterable[Scene], first: int) -> tuple[Case, ...]:
    return tuple(_case(scene, number) for number, scene in enumerate(scenes, first))


def _balanced(scenes: Sequence[Scene], count: int, rng: random.Random) -> list[Scene]:
    """`count` of them in which objects, styles and colours are about as frequent, every second one held out."""
    left = rng.sample(scenes, min(len(scenes), 2000))
    groups = {wanted: [scene for scene in left if scene.held_out == wanted] for wanted in (True, False)}
    values = [len({_facets(scene)[facet] for scene in left}) for facet in range(4)]
    seen: Counter[tuple[int, str]] = Counter()

    def crowding(scene: Scene) -> int:
        return sum(values[facet] * seen[facet, value] for facet, value in enumerate(_facets(scene)))

    chosen: list[Scene] = []
    for number in range(count):
        group = groups[number % 2 == 0]
        best = min(group, key=crowding)
        group.remove(best)
        seen.update(enumerate(_facets(best)))
        chosen.append(best)
    return chosen


def _facets(scene: Scene) -> tuple[str, str, str, str]:
    thing = scene.things[0]
    return thing.name, scene.style, thing.tint or "", scene.background


def _few(count: int, seed: int) -> list[str]:
    return random.Random(seed).sample(_NAMES[:FIRST], count)


def _two(names: list[str]) -> Iterator[Scene]:
    """Different ones, mostly as they are; every fourth time each in a colour of its own."""
    for number, (first, second) in enumerate(zip(names[::2], names[1::2], strict=True)):
        tints = (TINTS[number % 7], TINTS[(number + 3) % 7]) if number % 4 == 3 else (None, None)
        yield Scene((Thing(first, tints[0]), Thing(second, tints[1])), STYLES[number % 3])


def _plurals(names: list[str]) -> Iterator[Scene]:
    for number, name in enumerate(names):
        yield Scene((Thing(name),) * (2 + number % 2), STYLES[number // 2 % 3])


def _sized(names: list[str]) -> Iterator[Scene]:
    """As many of each size; every second one with a background of which no object is."""
    for number, name in enumerate(names):
        width, height = SIZES[number % 3]
        background = ("purple", "pink", "blue")[number // 2 % 3] if number % 2 else "white"
        yield Scene((Thing(name),), STYLES[number // 3 % 3], background, width=width, height=height)


def _img2img(names: list[str]) -> Iterator[Case]:
    """First another background behind a thing that is not in the middle, then another style."""
    for number, name in enumerate(names):
        seed, thing = 1300 + number, (Thing(name),)
        if number < len(_PLACINGS):
            start = Scene(thing, STYLES[number % 3], "white", _PLACINGS[number])
            wanted = replace(start, background=BACKGROUNDS[1 + number % 9])
        else:
            start = Scene(thing, STYLES[number % 3], BACKGROUNDS[number % 10])
            wanted = replace(start, style=STYLES[(number + 1) % 3])
        yield replace(_case(wanted, seed), start=start)


def _repairs(names: list[str]) -> Iterator[Case]:
    """The middle is lost; the prompt says what the whole shows."""
    for number, name in enumerate(names):
        scene = Scene((Thing(name),), STYLES[number % 3], BACKGROUNDS[number % 10])
        yield replace(_case(scene, 1400 + number), start=scene, strength=1.0, masked=0.625)


def _replacements(names: list[str]) -> Iterator[Case]:
    """Another thing in the place of the first, on the same background."""
    for number, (first, second) in enumerate(zip(names[::2], names[1::2], strict=True)):
        start = Scene((Thing(first),), STYLES[number % 3], BACKGROUNDS[number % 10])
        wanted = replace(start, things=(Thing(second),))
        yield replace(_case(wanted, 1500 + number), start=start, strength=1.0, masked=0.9)
