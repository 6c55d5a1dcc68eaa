"""Faces in a picture, by YuNet's file where there is one, else by the cascades that come with OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sdui.core.errors import ModelFileError

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]

_TEMPLATE: tuple[tuple[float, float], ...] = (
    (192.98138, 239.94708),
    (318.90277, 240.1936),
    (256.63416, 314.01935),
    (201.26117, 371.41043),
    (313.08905, 371.15118),
)
"""Eyes, nose and corners of the mouth in an aligned face of 512 pixels (FFHQ's, arXiv:1812.04948)."""
_SURE = 0.7
"""Of YuNet's answers."""
_EYES = ((0.3, 0.4), (0.7, 0.4))
"""In the box of a cascade, where none are found."""


@dataclass(frozen=True, slots=True)
class Face:
    landmarks: Points
    """[2 or 5, 2], x and y in pixels: eyes, and perhaps nose and mouth."""

    def alignment(self) -> NDArray[np.float64]:
        """[2,3]: from the picture to the aligned face."""
        template = np.array(_TEMPLATE[: len(self.landmarks)], np.float32)
        matrix, _ = cv2.estimateAffinePartial2D(self.landmarks, template, method=cv2.LMEDS)
        return np.asarray(matrix, np.float64)


def finder(files: list[Path]) -> Callable[[Pixels], list[Face]]:
    """files: those that may be YuNet's, face_detection_yunet_*.onnx. Raises ModelFileError for one that is not."""
    yunet = next((path for path in files if "yunet" in path.name.casefold()), None)
    return _by_cascades if yunet is None else lambda pixels: _by_yunet(yunet, pixels)


def _by_yunet(path: Path, pixels: Pixels) -> list[Face]:
    height, width = pixels.shape[:2]
    try:
        detector = cv2.FaceDetectorYN.create(str(path), "", (width, height), _SURE)
        _, found = detector.detect(np.ascontiguousarray(pixels[..., ::-1]))
    except cv2.error as error:
        raise ModelFileError(f"{path} is no YuNet face detector: {error}") from error
    rows: Any = [] if found is None else found  # pyright: ignore[reportUnnecessaryComparison]
    return [Face(np.asarray(row[4:14], np.float32).reshape(5, 2)) for row in rows]


def _by_cascades(pixels: Pixels) -> list[Face]:
    """Viola and Jones, 2001."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    least = max(24, min(grey.shape) // 20)
    faces = _cascade("haarcascade_frontalface_default").detectMultiScale(grey, 1.1, 6, minSize=(least, least))
    return [_face(grey, *map(int, box)) for box in np.asarray(faces).reshape(-1, 4)]


def _face(grey: Any, left: int, top: int, width: int, height: int) -> Face:
    upper = grey[top : top + height * 6 // 10, left : left + width]
    eyes = np.asarray(_cascade("haarcascade_eye").detectMultiScale(upper, 1.05, 4), float).reshape(-1, 4)
    middles = sorted((x + w / 2, y + h / 2) for x, y, w, h in eyes)
    apart = middles[-1][0] - middles[0][0] if middles else 0
    if len(middles) != 2 or not 0.25 < apart / width < 0.6:
        middles = [(x * width, y * height) for x, y in _EYES]
    return Face(np.array([(left + x, top + y) for x, y in middles], np.float32))


def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / f"{name}.xml"))
