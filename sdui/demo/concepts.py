"""What the bundled checkpoint can draw: objects by name, styles, colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Style = Literal["3d", "flat", "icon"]
STYLES: tuple[Style, ...] = ("3d", "flat", "icon")
STYLE_WORDS: dict[Style, tuple[str, ...]] = {
    "3d": ("3d style", "3d render", "3d"),
    "flat": ("flat style", "flat illustration", "flat"),
    "icon": ("icon style", "line icon", "icon"),
}
PALETTE: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "black": (20, 20, 24),
    "red": (226, 62, 56),
    "orange": (250, 146, 50),
    "yellow": (252, 212, 72),
    "green": (86, 180, 92),
    "blue": (70, 130, 230),
    "purple": (146, 94, 208),
    "pink": (250, 150, 190),
    "gray": (150, 154, 160),
}
"""sRGB, 0 to 255: backgrounds, and colours of objects."""
BACKGROUNDS = tuple(PALETTE)
TINTS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black")
"""Colours that an object can be told to have."""


def colour(name: str) -> NDArray[np.float32]:
    """[3] in 0..1."""
    return np.array(PALETTE[name], np.float32) / np.float32(255)


@dataclass(frozen=True, slots=True)
class Concept:
    """An object, and the words for it."""

    name: str
    """The word that captions use most."""
    emoji: str
    """The English label in Unicode's CLDR."""
    synonyms: tuple[str, ...] = ()
    plural: str = ""

    @property
    def many(self) -> str:
        return self.plural or f"{self.name}s"


def _concept(line: str) -> Concept:
    name, emoji, synonyms, plural = (part.strip() for part in (f"{line}///").split("/")[:4])
    return Concept(name, emoji or name, tuple(word.strip() for word in synonyms.split(",") if word.strip()), plural)


CONCEPTS: tuple[Concept, ...] = tuple(
    _concept(line)
    for line in """
apple/red apple
banana
strawberry///strawberries
pizza//slice of pizza
donut/doughnut/doughnut
cake/birthday cake/birthday cake
mushroom//toadstool
cat/cat face/kitten, cat face
dog/dog face/puppy, dog face
fox///foxes
panda
frog
penguin
unicorn
fish/tropical fish/tropical fish/fish
sunflower//flower
tree/deciduous tree
car/automobile/automobile
rocket//spaceship
house//home
star
heart/red heart
robot
ghost
watermelon
cherry/cherries/cherries/cherries
hamburger//burger
bear
rabbit/rabbit face/bunny
lion
pig/pig face/piglet
chick/front-facing baby chick/bird
owl
whale/spouting whale
octopus///octopuses
turtle//tortoise
butterfly///butterflies
rose
cactus///cactuses
airplane//plane
boat/sailboat/sailboat, ship
castle
sun
moon/crescent moon/crescent moon
crown
balloon
gift/wrapped gift/present
guitar
green apple
lemon
grapes///grapes
pineapple
peach///peaches
pear
carrot
hot dog
cookie
ice cream/soft ice cream
cup of coffee/hot beverage/coffee/cups of coffee
tiger/tiger face
monkey/monkey face
horse/horse face
cow/cow face
shark
dolphin
crab
snail
bee/honeybee
ladybug/lady beetle
spider
dragon/dragon face
dinosaur/sauropod
elephant
tulip
cherry blossom
palm tree
pine tree/evergreen tree
four leaf clover
maple leaf///maple leaves
bus///buses
truck/delivery truck
fire engine
police car
bicycle
helicopter
train/locomotive
tent
mountain/snow-capped mountain
cloud
rainbow
snowman///snowmen
umbrella
fire
volcano
soccer ball
basketball
drum
violin
trumpet
camera
laptop
television
clock/alarm clock
book/closed book
pencil
key
lock/locked
light bulb
candle
hat/top hat
glasses///glasses
shoe/running shoe
t-shirt
gem/gem stone
alien
skull
jack-o-lantern
teddy bear
hammer
sword/dagger
bell
anchor
magnet
teapot
""".strip().splitlines()
)
"""Most important first; a network learns as many of them as its training has time for."""
FEW = 48
"""As many as two hours on a CPU are enough for."""


def with_article(words: str) -> str:
    return ("an " if words[0] in "aeiou" and not words.startswith("uni") else "a ") + words
