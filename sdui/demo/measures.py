"""What can be said of a picture from its pixels alone: its background, its colours, where its things are."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .concepts import PALETTE, colour
from .scenes import Picture

Mask = NDArray[np.bool_]
"""[H,W]."""
_FRAME = 4
"""Pixels at each edge that are background in every scene with one thing in the middle."""
_DIFFERS = 20.0
"""CIELAB distance from the background from which on a pixel belongs to a thing."""
_NEAR = 25.0
"""CIELAB distance up to which a background has a colour of the palette; these are at least 32 apart."""
_TINTED = 3.0
"""CIELAB distance from white that one can see."""
_HUES = {
    "red": (-11.0, 15.5),
    "orange": (15.5, 36.0),
    "yellow": (36.0, 85.0),
    "green": (85.0, 170.0),
    "blue": (170.0, 242.0),
    "purple": (242.0, 301.0),
    "pink": (301.0, 349.0),
}
"""HSV hues in degrees, from and up to: between those of the palette, so that true pictures fall inside."""


class Box(NamedTuple):
    """In pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


def lab(picture: Picture) -> NDArray[np.float32]:
    """[H,W,3] CIELAB: lightness 0..100, and two axes of colour."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), np.float32)


def background(picture: Picture) -> NDArray[np.float32]:
    """[3] CIELAB: the median of the pixels along the edges."""
    return np.asarray(np.median(_frame(lab(picture)), 0), np.float32)


def nearest_colour(picture: Picture) -> str:
    """The palette's name for the background; "" when it is near none."""
    found = background(picture)
    distances = {name: _distance(found, lab(colour(name)[None, None])[0, 0]) for name in PALETTE}
    best = min(distances, key=distances.__getitem__)
    return best if distances[best] <= _NEAR else ""


def distance_from_white(picture: Picture) -> float:
    """Of the background, in CIELAB: 0 to 100; what is above 3 can be seen."""
    white = np.array([100, 0, 0], np.float32)
    return float(np.median(np.linalg.norm(_frame(lab(picture)) - white, axis=-1)))


def is_tinted(picture: Picture) -> bool:
    """Whether one can see that the background is not white."""
    return distance_from_white(picture) > _TINTED


def things(picture: Picture) -> Mask:
    """[H,W]: which pixels are not background."""
    return np.linalg.norm(lab(picture) - background(picture), axis=-1) > _DIFFERS


def share_of_colour(picture: Picture, name: str) -> float:
    """0..1: how much of the thing has that colour, of what has any: eyes may be black and teeth white.

    A thing of which less than a fifth has any colour has none; of black, what counts is the share of all its pixels.
    """
    thing, values = things(picture), lab(picture)
    lightness, chroma = values[..., 0], np.hypot(values[..., 1], values[..., 2])
    if name == "black":
        return _share(thing & (lightness < 45) & (chroma < 25), thing)
    coloured = thing & (chroma > 15) & (lightness > 22)
    return _share(coloured & _has_hue(picture, values, name), coloured) if _share(coloured, thing) > 0.2 else 0.0


def has_colour(picture: Picture, name: str) -> bool:
    """Whether one would say that the thing has that colour: most of it, more or less."""
    return share_of_colour(picture, name) >= 0.45


def leaning(picture: Picture, name: str) -> float:
    """How far a picture's colours lie towards one of the palette, in CIELAB; negative is the opposite colour."""
    wanted = lab(colour(name)[None, None])[0, 0, 1:]
    return float(lab(picture)[..., 1:].reshape(-1, 2).mean(0) @ (wanted / np.linalg.norm(wanted)))


def colourfulness(picture: Picture) -> float:
    """Mean chroma in CIELAB: 0 is grey."""
    values = lab(picture)
    return float(np.hypot(values[..., 1], values[..., 2]).mean())


def psnr(picture: Picture, wanted: Picture) -> float:
    """In dB; infinite for equal ones."""
    error = float(np.mean((picture.astype(np.float64) - wanted) ** 2))
    return -10 * math.log10(error) if error else math.inf


def box(mask: Mask) -> Box | None:
    """Around nearly all of what is there; None when it is less than a hundredth of the picture."""
    rows, columns = np.nonzero(mask)
    if len(rows) < mask.size / 100:
        return None
    (top, bottom), (left, right) = (np.quantile(places, (0.01, 0.99)) for places in (rows, columns))
    return Box(int(left), int(top), int(right) + 1, int(bottom) + 1)


def overlap(one: Box | None, other: Box | None) -> float:
    """0..1: what two boxes share, of what they cover together."""
    if one is None or other is None:
        return 0.0
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    return shared / (_area(one) + _area(other) - shared)


def close_up(picture: Picture, area: Box | None = None) -> Picture | None:
    """[S,S,3]: what is in a part of the picture, in the middle of a square of the background; None when nothing is."""
    area = area or Box(0, 0, picture.shape[1], picture.shape[0])
    part = picture[area.top : area.bottom, area.left : area.right]
    found = box(things(picture)[area.top : area.bottom, area.left : area.right])
    if found is None:
        return None
    width, height = found.right - found.left, found.bottom - found.top
    side = max(width, height) * 8 // 7 + 1
    plain = np.median(_frame(picture), 0).astype(np.float32)
    square = np.broadcast_to(plain, (side, side, 3)).copy()
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = part[found.top : found.bottom, found.left : found.right]
    return square


def squared(picture: Picture) -> Picture:
    """[S,S,3]: itself, or a close-up, or at least the middle of it."""
    height, width = picture.shape[:2]
    if height == width:
        return picture
    found, side = close_up(picture), min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side] if found is None else found


def parts(picture: Picture, count: int) -> list[Box]:
    """Where each of several things should be: two side by side, three as one above two."""
    height, width = picture.shape[:2]
    left, right = Box(0, 0, width // 2, height), Box(width // 2, 0, width, height)
    if count == 2:
        return [left, right]
    above = Box(width // 4, 0, width * 3 // 4, height // 2)
    return [above, left._replace(top=height // 2), right._replace(top=height // 2)]


def _has_hue(picture: Picture, values: NDArray[np.float32], name: str) -> Mask:
    """Of red and of orange the light and pale parts are pink."""
    hue = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV), np.float32)[..., 0]
    hue = np.where(hue >= 349, hue - 360, hue)
    pale = (hue < 22) & (values[..., 0] > 66) & (np.hypot(values[..., 1], values[..., 2]) < 55)
    low, high = _HUES[name]
    inside = (hue >= low) & (hue < high)
    return inside | pale if name == "pink" else inside & ~pale


def _frame(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N,3]."""
    edge = np.ones(pixels.shape[:2], np.bool_)
    edge[_FRAME:-_FRAME, _FRAME:-_FRAME] = False
    return pixels[edge]


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other))


def _share(part: Mask, whole: Mask) -> float:
    return float(part.sum() / max(1, whole.sum()))


def _area(box: Box) -> int:
    return (box.right - box.left) * (box.bottom - box.top)
