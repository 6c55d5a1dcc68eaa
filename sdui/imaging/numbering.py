"""Names that no file in a folder has or ever had: numbers that only grow, whoever else writes there."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from sdui.core.files import write_atomic, write_new

_LOCK = ".numbers.lock"
_LOCK_SECONDS = 30
"""Another process holds the lock for one small write; longer means that it hangs."""
_MOST_ATTEMPTS = 1000
_NUMBER = r"[0-9]{1,9}"
"""Longer digits at the start of a name are a time or a seed."""


def write_numbered(folder: Path, basename: str, decoration: Path, extension: str, data: bytes) -> Path:
    """Write `data` to "NNNNN-DECORATION.EXTENSION", with a basename to "BASENAME-NNNN-DECORATION.EXTENSION".

    The number is above every number used in `folder` before, by this or another process, also by deleted files.
    Raises OSError; then nothing is left behind, and the number is not used again.
    """
    names = (
        f"{basename}-{number:04}" if basename else f"{number:05}"
        for number in iter(lambda: _claim(folder, basename), None)
    )
    return _write_first(
        folder, (f"{name}-{decoration}" if decoration.name else name for name in names), extension, data
    )


def write_unnumbered(folder: Path, name: str, extension: str, data: bytes) -> Path:
    """Write `data` to "NAME.EXTENSION", where that exists to "NAME-1.EXTENSION" and so on. Raises OSError."""
    return _write_first(folder, (f"{name}-{n}" if n else name for n in range(_MOST_ATTEMPTS)), extension, data)


def _write_first(folder: Path, names: Iterable[str], extension: str, data: bytes) -> Path:
    """Under the first name that is free; other processes wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK, timeout=_LOCK_SECONDS, poll_interval=0.005):
        for _, name in zip(range(_MOST_ATTEMPTS), names, strict=False):
            path = folder / f"{name}.{extension}"
            with contextlib.suppress(FileExistsError):
                write_new(path, data)
                return path
    raise OSError(0, "no free file name was found", str(folder))


def _claim(folder: Path, basename: str) -> int:
    """The next number, remembered before it is used, so that no crash makes it used twice."""
    counter = folder / (f".{basename}-next-number" if basename else ".next-number")
    number = max(_remembered(counter), _highest(folder, basename) + 1)
    write_atomic(counter, str(number + 1).encode())
    return number


def _remembered(counter: Path) -> int:
    """0 when there is no counter or a damaged one: then only the names count."""
    try:
        text = counter.read_text(encoding="ascii")
    except (FileNotFoundError, ValueError):
        return 0
    return int(text) if re.fullmatch(_NUMBER, text) else 0


def _highest(folder: Path, basename: str) -> int:
    """The highest number at the start of a name in `folder`, -1 when there is none."""
    pattern = re.compile(rf"{re.escape(f'{basename}-') if basename else ''}({_NUMBER})(?=[-.]|$)")
    with os.scandir(folder) as entries:
        return max((int(found[1]) for entry in entries if (found := pattern.match(entry.name))), default=-1)
