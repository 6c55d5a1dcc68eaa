"""Finds parts of a picture: faces, or what a YOLO network (v5, v8, 11; exported to ONNX) was trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from sdui.core.errors import ModelFileError, RequestError

from .faces.finding import finder
from .files import ModelFiles
from .onnx_files import opened

FACES = "Faces"
_OVERLAP = 0.5
"""Of two boxes (intersection over union) from which they mean the same thing."""
_GREY = 114
"""Around a picture that is not square, as the networks were trained."""

Pixels = NDArray[np.uint8]


class Box(NamedTuple):
    """In pixels."""

    left: int
    top: int
    width: int
    height: int


Find = Callable[[Pixels, float], list[Box]]
"""A picture [H,W,3] and the least confidence, 0..1."""


def names(files: ModelFiles) -> tuple[str, ...]:
    return (FACES, *(file.name for file in files.of("detector")))


def detector(name: str, files: ModelFiles) -> Find:
    """Raises RequestError for an unknown one."""
    if name == FACES:
        return lambda pixels, least: _faces(pixels, files)
    file = files.named("detector", name)
    if file is None:
        where = ", ".join(map(str, files.folders("detector")))
        raise RequestError(f"Detector: there is no {name!r} in {where}; known are {', '.join(names(files))}.")
    return lambda pixels, least: _by_yolo(file.path, pixels, least)


def _faces(pixels: Pixels, files: ModelFiles) -> list[Box]:
    """A box around each face that its aligned form would have: from the brows to the chin."""
    onnx = [path for folder in files.folders("face_restorer") for path in folder.glob("*.onnx")]
    boxes: list[Box] = []
    for face in finder(onnx)(pixels):
        back = cv2.invertAffineTransform(face.alignment())
        corners = np.array([[96, 120, 1], [416, 120, 1], [96, 440, 1], [416, 440, 1]]) @ np.asarray(back).T
        (left, top), (right, bottom) = corners.min(0), corners.max(0)
        boxes.append(Box(int(left), int(top), int(right - left), int(bottom - top)))
    return boxes


def _by_yolo(path: Path, pixels: Pixels, least: float) -> list[Box]:
    """Raises ModelFileError, naming the file."""
    session: Any = opened(path)
    given = session.get_inputs()[0]
    side = given.shape[2] if isinstance(given.shape[2], int) else 640
    scale = side / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    canvas = np.full((side, side, 3), _GREY, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    made: Any = session.run(None, {given.name: canvas.transpose(2, 0, 1)[None].astype(np.float32) / 255})[0]
    if made.ndim != 3 or min(made.shape[1:]) < 5:
        raise ModelFileError(f"{path} is no YOLO detector: its answer has the shape {made.shape}.")
    # v8 has a column for each box, v5 a row, with how sure it is of there being anything in the fifth place.
    rows: Any = made[0].T if made.shape[1] < made.shape[2] else made[0]
    sure = (
        rows[:, 4:5] if made.shape[1] < made.shape[2] else rows[:, 4:5] * rows[:, 5:].max(1, keepdims=True, initial=0)
    )
    return _boxes(rows[:, :4] / scale, sure[:, 0], least, pixels.shape[:2])


def _boxes(rows: Any, sure: Any, least: float, size: Sequence[int]) -> list[Box]:
    """rows: middle, width and height of each."""
    corners: Any = np.concatenate([rows[:, :2] - rows[:, 2:] / 2, rows[:, 2:]], 1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), sure.tolist(), least, _OVERLAP)
    found = [corners[int(place)] for place in np.asarray(kept).reshape(-1)]
    clipped = [(max(0, int(x)), max(0, int(y)), int(x + w), int(y + h)) for x, y, w, h in found]
    return [Box(x, y, min(right, size[1]) - x, min(low, size[0]) - y) for x, y, right, low in clipped]
