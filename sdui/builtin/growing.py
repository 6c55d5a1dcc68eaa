"""How far a picture grows on each side, for the two outpainting scripts."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Direction = Literal["left", "right", "up", "down"]
DIRECTIONS: tuple[Direction, ...] = ("left", "right", "up", "down")
STEP = 64
"""The grown picture's sides are multiples of this, in pixels."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Pixels on each side."""

    left: int
    right: int
    up: int
    down: int


def growth(size: tuple[int, int], pixels: int, directions: Collection[str]) -> Growth:
    """At least `pixels` in each of the directions for a picture of this width and height."""
    across = _pair(size[0], *(pixels * (side in directions) for side in DIRECTIONS[:2]))
    down = _pair(size[1], *(pixels * (side in directions) for side in DIRECTIONS[2:]))
    return Growth(*across, *down)


def _pair(length: int, before: int, after: int) -> tuple[int, int]:
    """What is missing to the next multiple is shared like the pixels themselves."""
    if not before and not after:
        return 0, 0
    whole = math.ceil((length + before + after) / STEP) * STEP
    first = before * (whole - length) // (before + after)
    return first, whole - length - first if after else 0
