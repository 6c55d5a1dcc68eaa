"""Finds parts of a picture: faces, or what a YOLO network (v5, v8, 11; exported to ONNX) was trained for.

Networks for segmentation (YOLACT, arXiv:1904.02689, as in those YOLOs) give each part its shape.
"""

from __future__ import annotations

from collections.abc import Callable
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


class Part(NamedTuple):
    """A box in pixels, and what in it is meant."""

    left: int
    top: int
    width: int
    height: int
    mask: Pixels | None = None
    """[height,width] of 0 or 255; None is all of the box."""


Find = Callable[[Pixels, float], list[Part]]
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


def _faces(pixels: Pixels, files: ModelFiles) -> list[Part]:
    """A box around each face that its aligned form would have: from the brows to the chin."""
    onnx = [path for folder in files.folders("face_restorer") for path in folder.glob("*.onnx")]
    parts: list[Part] = []
    for face in finder(onnx)(pixels):
        back = cv2.invertAffineTransform(face.alignment())
        corners = np.array([[96, 120, 1], [416, 120, 1], [96, 440, 1], [416, 440, 1]]) @ np.asarray(back).T
        (left, top), (right, bottom) = corners.min(0), corners.max(0)
        parts += _inside(left, top, right, bottom, pixels)
    return parts


def _inside(left: float, top: float, right: float, bottom: float, pixels: Pixels) -> list[Part]:
    """What of it lies in the picture; none if nothing does."""
    x, y = max(0, int(left)), max(0, int(top))
    width, height = min(int(right), pixels.shape[1]) - x, min(int(bottom), pixels.shape[0]) - y
    return [Part(x, y, width, height)] if width > 0 and height > 0 else []


def _by_yolo(path: Path, pixels: Pixels, least: float) -> list[Part]:
    """Raises ModelFileError, naming the file."""
    session: Any = opened(path)
    given = session.get_inputs()[0]
    side = given.shape[2] if isinstance(given.shape[2], int) else 640
    scale = side / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    canvas = np.full((side, side, 3), _GREY, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    answers: Any = session.run(None, {given.name: canvas.transpose(2, 0, 1)[None].astype(np.float32) / 255})
    if answers[0].ndim != 3 or min(answers[0].shape[1:]) < 5:
        raise ModelFileError(f"{path} is no YOLO detector: its answer has the shape {answers[0].shape}.")
    # Networks for segmentation answer with patterns as well, of which each part's mask is mixed.
    patterns = next((answer[0] for answer in answers[1:] if answer.ndim == 4), np.zeros((0, 1, 1), np.float32))
    boxes, sure, shares = _read(answers[0][0], len(patterns))
    parts: list[Part] = []
    for place in np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), sure.tolist(), least, _OVERLAP)).reshape(-1).tolist():
        x, y, width, height = boxes[place] / scale
        for part in _inside(x, y, x + width, y + height, pixels):
            mixed = np.tensordot(shares[place], patterns, 1)
            parts.append(_masked(part, mixed, scale * patterns.shape[2] / side) if len(patterns) else part)
    return [part for part in parts if part.mask is None or part.mask.any()]


def _read(answer: Any, patterns: int) -> tuple[Any, Any, Any]:
    """Of each box its left, top, width and height, how sure it is, 0..1, and its shares of the patterns.

    v8 has a column for each box, v5 a row, with how sure it is of there being anything before the classes.
    """
    classed = answer.shape[0] < answer.shape[1]
    rows = answer.T if classed else answer
    boxes = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, 2:4]], 1)
    classes = rows[:, 4 : rows.shape[1] - patterns]
    if not classed:
        classes = classes[:, :1] * classes[:, 1:]
    return boxes, classes.max(1, initial=0), rows[:, rows.shape[1] - patterns :]


def _masked(part: Part, mixed: Any, share: float) -> Part:
    """mixed: [h,w], above 0 where the network sees the part; `share` of its pixels are one of the picture's."""
    at = [(begin + 0.5) * share - 0.5 for begin in (part.left, part.top)]
    matrix = np.array([[share, 0, at[0]], [0, share, at[1]]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    values = cv2.warpAffine(mixed, matrix, (part.width, part.height), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return part._replace(mask=(np.asarray(values) > 0).astype(np.uint8) * 255)
