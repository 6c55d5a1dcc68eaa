"""Where a picture is looked at first: faces, much detail, many edges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .pixels import Pixels

_SEEN = 512
"""Pixels of the longer side of what is looked at."""
_CORNERS, _QUALITY = 100, 0.04
_LEAST_FACE = 0.05
"""Of a face's side, as a share of the picture's."""
_PARTS = 8
"""Windows to a side, in which the detail is measured."""
Point = tuple[float, float]
"""As shares of the width and the height."""


class Weights(NamedTuple):
    """How much each counts, 0..1."""

    faces: float = 0.9
    entropy: float = 0.15
    edges: float = 0.5


@dataclass(frozen=True, slots=True)
class Focus:
    point: Point
    found: dict[str, Point]
    """The middle of the faces, the detail and the edges, where there are any."""


def focal_point(image: Image.Image, weights: Weights) -> Focus:
    """The mean of the three, weighed; the middle where nothing is found."""
    small = image.convert("L")
    small.thumbnail((_SEEN, _SEEN))
    grey = np.asarray(small)
    centres = {"faces": _faces(grey), "entropy": _entropy(grey), "edges": _edges(grey)}
    found = {name: centre for name, centre in centres.items() if centre}
    total = sum(getattr(weights, name) for name in found)
    if not total:
        return Focus((0.5, 0.5), found)
    across, down = (sum(centre[axis] * getattr(weights, name) for name, centre in found.items()) for axis in (0, 1))
    return Focus((across / total, down / total), found)


def around(image: Image.Image, size: tuple[int, int], point: Point) -> Image.Image:
    """The largest part of this shape that has the point as near to its middle as can be, at width x height `size`."""
    scale = min(image.width / size[0], image.height / size[1])
    sides = size[0] * scale, size[1] * scale
    left, top = (
        min(max(share * whole - side / 2, 0), whole - side)
        for share, whole, side in zip(point, image.size, sides, strict=True)
    )
    return image.resize(size, Image.Resampling.LANCZOS, (left, top, left + sides[0], top + sides[1]))


def with_marks(image: Image.Image, focus: Focus) -> Image.Image:
    """A copy with circles where things were found; the white one is what was made of them."""
    marked = image.convert("RGB")
    draw, radius = ImageDraw.Draw(marked), max(3, min(image.size) // 20)
    colours = {"faces": "red", "entropy": "yellow", "edges": "lime"}
    for name, (across, down) in (focus.found | {"": focus.point}).items():
        x, y = across * image.width, down * image.height
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colours.get(name, "white"), width=3)
    return marked


def _faces(grey: Pixels) -> Point | None:
    """By the cascades that come with OpenCV (Viola and Jones, 2001)."""
    least = max(24, int(min(grey.shape) * _LEAST_FACE))
    for name in ("haarcascade_frontalface_default.xml", "haarcascade_profileface.xml"):
        cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / name))
        boxes = np.asarray(cascade.detectMultiScale(grey, 1.1, 7, minSize=(least, least)), float).reshape(-1, 4)
        if len(boxes):
            return _share((boxes[:, :2] + boxes[:, 2:] / 2).mean(axis=0), grey)
    return None


def _edges(grey: Pixels) -> Point | None:
    """The mean of the strongest corners (Shi and Tomasi, 1994)."""
    # OpenCV's stubs do not know that it may answer None.
    corners: Any = cv2.goodFeaturesToTrack(grey, _CORNERS, _QUALITY, min(grey.shape) * 0.06, useHarrisDetector=False)
    return None if corners is None else _share(np.asarray(corners, float).reshape(-1, 2).mean(axis=0), grey)


def _entropy(grey: Pixels) -> Point | None:
    """The middle of the window with the most information in its grey values (Shannon)."""
    rows, columns = (max(1, length // _PARTS) for length in grey.shape)
    best, place = 0.0, None
    for top in range(0, grey.shape[0] - rows + 1, rows):
        for left in range(0, grey.shape[1] - columns + 1, columns):
            counts = np.bincount(grey[top : top + rows, left : left + columns].ravel(), minlength=256)
            shares = counts[counts > 0] / (rows * columns)
            entropy = float(-(shares * np.log2(shares)).sum())
            if entropy > best:
                best, place = entropy, np.array((left + columns / 2, top + rows / 2))
    return None if place is None else _share(place, grey)


def _share(point: np.ndarray, grey: Pixels) -> Point:
    return float(point[0]) / grey.shape[1], float(point[1]) / grey.shape[0]
