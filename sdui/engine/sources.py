"""Pictures that were handed over or lie in a folder, done one after the other; one that fails does not stop others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sdui.core.errors import Interrupted, RequestError, SduiError
from sdui.core.events import Progress, Stop
from sdui.core.extras import Given
from sdui.extensions.contracts import Drawing

_LARGEST_FILE = 2**30

Source = tuple[str, bytes | Path]
"""A file's name, "" where it has none, and its content or where that is."""


def sources(pictures: Sequence[Given], folder: str, label: str) -> list[Source]:
    """Those of the folder, where one is given. Raises RequestError, naming the field, for one that cannot be read."""
    if not folder:
        return [(given.name, given.data) for given in pictures]
    return [(path.name, path) for path in files_in(folder, label)]


def files_in(folder: str, label: str) -> list[Path]:
    """By name, hidden ones left out. Raises RequestError, naming the field."""
    found = Path(folder.strip()).expanduser()
    try:
        return sorted(path for path in found.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise RequestError(f"{label}: {found} cannot be read: {error.strerror}.") from error


def content(source: bytes | Path) -> bytes:
    """Raises OSError, and RequestError for what is too large for a picture, such as a film among them."""
    if isinstance(source, bytes):
        return source
    if source.stat().st_size > _LARGEST_FILE:
        raise RequestError(f"A picture's file has at most {_LARGEST_FILE // 2**20} MB.")
    return source.read_bytes()


def for_each(given: Sequence[Source], drawing: Drawing, do: Callable[[int, Source], None]) -> None:
    """`do` every one, by its place, or tell why not.

    Raises RequestError where none could be done, Interrupted when the job is to end.
    """
    context = drawing.context
    failures: list[str] = []
    for index, source in enumerate(given):
        name = source[0]
        context.stop.next_batch()
        context.emit(Progress(f"Processing {name}" if name else "Processing", index, len(given), index / len(given)))
        try:
            do(index, source)
        except Interrupted:
            if context.stop.level == Stop.NOW:
                raise
        except (SduiError, OSError) as error:
            failures.append(f"{name or 'The picture'} was left out. {error}")
            if len(given) > 1:
                drawing.tell(failures[-1])
    if len(failures) == len(given):
        none = f"None of the {len(given)} pictures could be processed. " if len(given) > 1 else ""
        raise RequestError(none + failures[0])
