"""The page's Save and Zip buttons: copies of pictures that the user wants to keep, and a log of them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from sdui.core.errors import OutputError
from sdui.core.events import ImageSaved
from sdui.core.request import GenerationRequest

from .filenames import NameFacts, expand, relative_path
from .numbering import write_unnumbered

_LOG = "log.csv"
_COLUMNS = ("prompt", "seed", "width", "height", "sampler", "cfgs", "steps", "filename", "negative_prompt")
"""A1111's, "cfgs" included; it reads nothing from them, people and their scripts do."""
_ZIP_NAME = "[datetime]_[[model_name]]_[seed_first]-[seed_last]"


def copy_to(images: Sequence[ImageSaved], folder: Path) -> list[Path]:
    """Copy the files under their own names and add a line for each to log.csv; the copies' paths.

    A name that is taken gets "-1" and so on. Raises OutputError.
    """
    try:
        paths = [_copy(Path(image.path), folder) for image in images]
        with FileLock(folder / f".{_LOG}.lock", timeout=30):
            _append(folder / _LOG, [_row(image.request, path.name) for image, path in zip(images, paths, strict=True)])
    except OSError as error:
        raise OutputError(f"The pictures could not be saved in {folder}: {error}.") from error
    return paths


def zip_of(images: Sequence[ImageSaved], folder: Path) -> Path:
    """One zip file in `folder` with all files (at least 1) under their own names. Raises OutputError."""
    first = images[0].request
    facts = NameFacts(
        first,
        datetime.now().astimezone(),
        batch_size=len(images),
        seeds=tuple(image.request.seed for image in images),
    )
    try:
        data = _zipped([Path(image.path) for image in images])
        return write_unnumbered(folder, relative_path(expand(_ZIP_NAME, facts)).name, "zip", data)
    except OSError as error:
        raise OutputError(f"The zip file could not be saved in {folder}: {error}.") from error


def _copy(source: Path, folder: Path) -> Path:
    return write_unnumbered(folder, source.stem, source.suffix.lstrip("."), source.read_bytes())


def _row(request: GenerationRequest, filename: str) -> dict[str, Any]:
    values = request.model_dump() | {"cfgs": request.cfg_scale, "filename": filename}
    return {column: values[column] for column in _COLUMNS}


def _append(log: Path, rows: list[dict[str, Any]]) -> None:
    """Below the columns that the file already has; A1111's newer versions have more."""
    with log.open("a+", encoding="utf-8", newline="") as file:
        file.seek(0)
        columns = next(csv.reader(file), None)
        file.seek(0, io.SEEK_END)
        writer = csv.DictWriter(file, columns or _COLUMNS, extrasaction="ignore")
        if not columns:
            writer.writeheader()
        writer.writerows(rows)


def _zipped(paths: list[Path]) -> bytes:
    """Stored, not compressed: pictures are compressed already."""
    target, names = io.BytesIO(), set[str]()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            name = path.name if path.name not in names else f"{len(names)}-{path.name}"
            names.add(name)
            archive.writestr(name, path.read_bytes())
    return target.getvalue()
