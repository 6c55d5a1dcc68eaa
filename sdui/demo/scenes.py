"""Puts sprites together to the pictures that the networks learn from."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .concepts import BACKGROUNDS, CONCEPTS, STYLES, TINTS, Style, colour
from .sprites import Sprite, SpriteKey, resized

NATIVE = 128
"""Pixels of a side of the pictures that the networks draw best."""
SIZES = ((192, 128), (128, 192), (192, 192))
"""Width and height of the others that they learn."""
Kind = Literal["plain", "background", "tint", "both", "several", "size"]
SHARES: dict[Kind, float] = {
    "plain": 0.26,
    "background": 0.22,
    "tint": 0.2,
    "both": 0.12,
    "several": 0.12,
    "size": 0.08,
}
"""How often training looks at each kind of scene."""
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""
Picture = NDArray[np.float32]
"""[H,W,3] in 0..1, sRGB."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object in a scene."""

    name: str
    tint: str | None = None
    """A colour other than its own."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture, in words: one to three things, all in one style, before one background."""

    things: tuple[Thing, ...]
    style: Style = "3d"
    background: str = "white"
    placing: int = 0
    """0 puts a single thing in the middle and as large as it fits; another number elsewhere, smaller, mirrored."""
    width: int = NATIVE
    height: int = NATIVE

    @property
    def held_out(self) -> bool:
        """Kept from training, so that it can be asked for afterwards: an eighth of what a thing has not by itself."""
        first, *others = self.things
        if others or (self.background == "white" and first.tint is None):
            return False
        named = f"{first}|{self.style}|{self.background}"
        return random.Random(named).random() < 0.12

    @property
    def kind(self) -> Kind:
        if (self.width, self.height) != (NATIVE, NATIVE):
            return "size"
        first, *others = self.things
        if others:
            return "several"
        if first.tint:
            return "tint" if self.background == "white" else "both"
        return "plain" if self.background == "white" else "background"


class Stage:
    """Sprites in the sizes that scenes need."""

    def __init__(self, sprites: Mapping[SpriteKey, Sprite]) -> None:
        self._sprites = sprites
        self._sized = lru_cache(maxsize=4096)(self._resized)

    def show(self, scene: Scene) -> Picture:
        picture = np.broadcast_to(colour(scene.background), (scene.height, scene.width, 3)).copy()
        rng = random.Random(f"{scene.things}|{scene.style}|{scene.placing}|{scene.width}|{scene.height}")
        for thing, (left, top, side) in zip(scene.things, _places(scene, rng), strict=True):
            sprite = self._coloured(thing, scene, side)
            if scene.placing and len(scene.things) == 1 and rng.random() < 0.5:
                sprite = sprite[:, ::-1]
            area = picture[top : top + side, left : left + side]
            area[:] = sprite[..., :3] + (1 - sprite[..., 3:]) * area
        return np.clip(picture, 0, 1)

    def _resized(self, key: SpriteKey, side: int) -> Sprite:
        return resized(self._sprites[key], side)

    def _coloured(self, thing: Thing, scene: Scene, side: int) -> Sprite:
        sprite = self._sized((thing.name, scene.style), side)
        if scene.style == "icon":
            return _painted(sprite, thing.tint or ("white" if scene.background == "black" else "black"))
        return _tinted(sprite, thing.tint) if thing.tint else sprite


def _places(scene: Scene, rng: random.Random) -> list[tuple[int, int, int]]:
    """Left, top and side of each thing, in pixels."""
    width, height, count = scene.width, scene.height, len(scene.things)
    if count == 1:
        room = min(width, height)
        side = room * 7 // 8 if not scene.placing else room * rng.choice((5, 6, 6, 7)) // 8
        if not scene.placing:
            return [((width - side) // 2, (height - side) // 2, side)]
        return [(rng.randint(0, width - side), rng.randint(0, height - side), side)]
    if count == 2:
        side = min(width * 15 // 32, height * 7 // 8)
        gap = (width - 2 * side) // 3
        top = (height - side) // 2
        return [(gap, top, side), (width - gap - side, top, side)]
    side = min(width, height) * 14 // 32
    left, top = width // 2 - side, height // 2 - side
    return [(width // 2 - side // 2, top, side), (left, height // 2, side), (left + side, height // 2, side)]


def _tinted(sprite: Sprite, name: str, strength: float = 0.85) -> Sprite:
    """Its light and shade in another colour; however dark it is itself, its middle gets that colour."""
    opacity = sprite[..., 3:]
    own = sprite[..., :3] / np.maximum(opacity, 1e-3)
    luminance = np.clip(own @ _LUMINANCE, 0.001, 0.999)
    inside = luminance[opacity[..., 0] > 0.5]
    middle = float(np.clip(np.median(inside), 0.02, 0.98)) if inside.size else 0.5
    power = min(max(math.log(0.55) / math.log(middle), 0.35), 3.0)
    shade: NDArray[np.float32] = (luminance**power).astype(np.float32)[..., None]
    full = colour(name)
    light = full + (1 - full) * 0.8 * (shade - 0.6) / 0.4
    ramp = full * (0.25 + 0.75 * shade / 0.6)
    ramp[shade[..., 0] >= 0.6] = light[shade[..., 0] >= 0.6]
    return np.concatenate([(own * (1 - strength) + ramp * strength) * opacity, opacity], -1).astype(np.float32)


def _painted(sprite: Sprite, name: str) -> Sprite:
    opacity = sprite[..., 3:]
    return np.concatenate([opacity * colour(name), opacity], -1)


def training_scenes(objects: int) -> list[Scene]:
    """Everything the networks may learn of the first `objects` concepts, the held out scenes included."""
    rng = random.Random(1)
    names = [concept.name for concept in CONCEPTS[:objects]]
    scenes = [scene for name in names for style in STYLES for scene in _of_one(name, style, rng)]
    scenes += _of_several(names, rng)
    scenes += [
        replace(Scene((Thing(name),), style, background), width=width, height=height)
        for name in names
        for style in STYLES
        for width, height in SIZES
        for background in ("white", rng.choice(BACKGROUNDS[1:]))
    ]
    return list(dict.fromkeys(scenes))


def _of_one(name: str, style: Style, rng: random.Random) -> Iterator[Scene]:
    for background in BACKGROUNDS:
        yield Scene((Thing(name),), style, background)
        yield Scene((Thing(name),), style, background, rng.randint(1, 999))
    for _ in range(4):
        yield Scene((Thing(name),), style, "white", rng.randint(1, 999))
    for tint in TINTS:
        yield Scene((Thing(name, tint),), style)
        yield Scene((Thing(name, tint),), style, "white", rng.randint(1, 999))
    for number in range(8):
        background, tint = rng.choice(BACKGROUNDS[1:]), rng.choice(TINTS)
        if background != tint:
            yield Scene((Thing(name, tint),), style, background, rng.randint(1, 999) if number % 2 else 0)


def _of_several(names: list[str], rng: random.Random) -> Iterator[Scene]:
    for name in names:
        for style in STYLES:
            for count in (2, 3):
                yield Scene((Thing(name),) * count, style)
                yield Scene((Thing(name, rng.choice(TINTS)),) * count, style)
                yield Scene((Thing(name),) * count, style, rng.choice(BACKGROUNDS[1:]))
    for _ in range(25 * len(names)):
        first, second = rng.sample(names, 2)
        tints = (rng.choice(TINTS), rng.choice(TINTS)) if rng.random() < 0.25 else (None, None)
        background = "white" if rng.random() < 0.7 else rng.choice(BACKGROUNDS[1:])
        if background not in tints:
            yield Scene((Thing(first, tints[0]), Thing(second, tints[1])), rng.choice(STYLES), background)
