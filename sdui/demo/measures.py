"""What can be said of a picture from its pixels alone: its background, its colours, where its things are."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .concepts import colour
from .scenes import Picture

Mask = NDArray[np.bool_]
"""[H,W]."""
_FRAME = 4
"""Pixels at each edge that are background in every scene with one thing in the middle."""
_DIFFERS = 20.0
"""CIELAB distance from the background from which on a pixel belongs to a thing."""
_TINTED = 3.0
"""CIELAB distance from white that one can see."""
_CRIMSON = 342.0
_HUES = {
    "red": (_CRIMSON - 360, 15.5),
    "orange": (15.5, 36.0),
    "yellow": (36.0, 85.0),
    "green": (85.0, 170.0),
    "blue": (170.0, 242.0),
    "purple": (242.0, 301.0),
    "pink": (301.0, _CRIMSON),
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


def background_name(picture: Picture) -> str:
    """What one would call the background's colour, in the palette's words: navy is blue too."""
    pixel = np.median(_frame(picture), 0).astype(np.float32)[None, None]
    lightness, chroma = _lightness_and_chroma(lab(pixel))
    if chroma < 18 or lightness < 10:
        return "black" if lightness < 25 else "white" if lightness > 90 else "gray"
    return next(name for name in _HUES if _has_hue(pixel, name).all())


def background_distance(picture: Picture, name: str) -> float:
    """Of the background from a colour of the palette, in CIELAB; what is above 3 can be seen."""
    return float(np.median(np.linalg.norm(_frame(lab(picture)) - lab(colour(name)[None, None])[0, 0], axis=-1)))


def is_tinted(picture: Picture) -> bool:
    """Whether one can see that the background is not white."""
    return background_distance(picture, "white") > _TINTED


def things(picture: Picture) -> Mask:
    """[H,W]: which pixels are not background."""
    return np.linalg.norm(lab(picture) - background(picture), axis=-1) > _DIFFERS


def share_of_colour(picture: Picture, name: str) -> float:
    """0..1: how much of the thing has that colour, of what has any: eyes may be black and teeth white.

    A thing of which less than a fifth has any colour has none; of black, what counts is the share of all its pixels.
    """
    thing = things(picture)
    lightness, chroma = _lightness_and_chroma(lab(picture))
    if name == "black":
        return _share(thing & (lightness < 45) & (chroma < 25), thing)
    coloured = thing & (chroma > 15) & (lightness > 22)
    return _share(coloured & _has_hue(picture, name), coloured) if _share(coloured, thing) > 0.2 else 0.0


def has_colour(picture: Picture, name: str) -> bool:
    """Whether one would say that the thing has that colour: most of it, more or less."""
    return share_of_colour(picture, name) >= 0.45


def colourfulness(picture: Picture) -> float:
    """Mean chroma in CIELAB: 0 is grey."""
    return float(_lightness_and_chroma(lab(picture))[1].mean())


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


def same_shape(picture: Picture, wanted: Picture) -> float:
    """0..1: how much of two things' shapes is the same, wherever, however large and which way round they are."""
    one, other = _outline(picture), _outline(wanted)
    return max(_likeness(one, other), _likeness(one[:, ::-1], other))


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


def _has_hue(picture: Picture, name: str) -> Mask:
    """[H,W]. Between pink and red, and where orange begins, pale is pink and strong is not."""
    lightness, chroma = _lightness_and_chroma(lab(picture))
    hue = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV), np.float32)[..., 0]
    hue = np.where(hue >= _CRIMSON, hue - 360, hue)
    pale = (chroma < 55) & ((hue < -11) | (hue < 22) & (lightness > 66))
    low, high = _HUES[name]
    inside = (hue >= low) & (hue < high)
    return inside | pale if name == "pink" else inside & ~pale


def _lightness_and_chroma(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return values[..., 0], np.hypot(values[..., 1], values[..., 2])


def _outline(picture: Picture) -> NDArray[np.float32]:
    """[16,16] in 0..1: where the thing is, what it encloses included."""
    found = close_up(picture)
    if found is None:
        return np.zeros((16, 16), np.float32)
    mask = things(found).astype(np.uint8)
    around, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(mask, around, -1, (1,), -1)
    return np.asarray(cv2.resize(filled.astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA), np.float32)


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.minimum(one, other).sum() / max(1e-6, float(np.maximum(one, other).sum())))


def _frame(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N,3]."""
    edge = np.ones(pixels.shape[:2], np.bool_)
    edge[_FRAME:-_FRAME, _FRAME:-_FRAME] = False
    return pixels[edge]


def _share(part: Mask, whole: Mask) -> float:
    return float(part.sum() / max(1, whole.sum()))


def _area(box: Box) -> int:
    return (box.right - box.left) * (box.bottom - box.top)
