"""Small copies of saved pictures, made when they are first looked at and kept in the cache folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from sdui.core.files import write_atomic
from sdui.imaging.pixels import opened

log = logging.getLogger(__name__)

SIDE = 384
"""Pixels of the longer side: twice what a cell of the page has, for screens with fine pixels."""
_QUALITY = 70
_METHOD = 2
"""Of WebP, 0 the quickest to 6 the smallest."""


class Thumbnails:
    """By the picture's id, which changes with its file. Any thread may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, id: int, picture: Path) -> bytes:
        """A WebP file. Raises RequestError for a damaged picture, OSError for one that is gone."""
        path = self._path(id)
        with suppress(OSError):
            return path.read_bytes()
        data = _made(picture)
        try:
            write_atomic(path, data)
        except OSError as error:
            log.warning("A thumbnail cannot be kept in %s: %s", self._folder, error)
        return data

    def remove(self, ids: Iterable[int]) -> None:
        for id in ids:
            with suppress(OSError):
                self._path(id).unlink(missing_ok=True)

    def _path(self, id: int) -> Path:
        """Spread over folders: some systems are slow with 50,000 files in one."""
        return self._folder / f"{id % 256:02x}" / f"{id:016x}.webp"


def _made(picture: Path) -> bytes:
    image, target = opened(picture.read_bytes(), picture.name), BytesIO()
    image = image if image.mode == "RGBA" else image.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    image.save(target, "WEBP", quality=_QUALITY, method=_METHOD)
    return target.getvalue()
