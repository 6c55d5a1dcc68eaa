"""The model families; to add one, write its file and add it to the list."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Family
from .sd2 import SD2
from .sd2_depth import SD2Depth
from .sd15 import SD15
from .sdxl import SDXL
from .sdxl_refiner import SDXLRefiner


def families() -> tuple[Family, ...]:
    return SD15(), SD2(), SD2Depth(), SDXL(), SDXLRefiner()


def family_of(shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
    """The first family that knows these keys and shapes; None when sdui cannot use the file."""
    return next((family for family in families() if family.detect(shapes)), None)
