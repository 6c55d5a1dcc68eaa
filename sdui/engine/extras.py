"""The Extras tab's work: the operations that are on, one after the other, on each picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sdui.core.errors import Interrupted, RequestError, SduiError
from sdui.core.events import PictureReady, Progress, Stop
from sdui.core.extras import ExtrasRequest, Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.host import Host
from sdui.imaging.given_pictures import read_picture

_LARGEST_FILE = 2**30


def process(request: ExtrasRequest, host: Host, drawing: Drawing) -> None:
    """Every picture, or a sentence why not. Raises RequestError where there is nothing to do, Interrupted."""
    sources = list(_sources(request))
    if not sources:
        raise RequestError("Extras: choose a picture first.")
    operations = _operations(request, drawing)
    context = drawing.context
    failures: list[str] = []
    for index, (name, source) in enumerate(sources):
        context.stop.next_batch()
        context.emit(
            Progress(f"Processing {name}" if name else "Processing", index, len(sources), index / len(sources))
        )
        try:
            for picture in _processed(name, source, operations, host, drawing):
                folder = request.output_dir if request.input_dir else ""
                shown = request.show_results or not request.input_dir
                context.emit(PictureReady(picture, folder, shown, request.kept))
        except Interrupted:
            if context.stop.level == Stop.NOW:
                raise
        except (SduiError, OSError) as error:
            failures.append(f"{name or 'The picture'} was left out. {error}")
            if len(sources) > 1:
                drawing.tell(failures[-1])
    if len(failures) == len(sources):
        none = f"None of the {len(sources)} pictures could be processed. " if len(sources) > 1 else ""
        raise RequestError(none + failures[0])


def _sources(request: ExtrasRequest) -> Iterator[tuple[str, bytes | Path]]:
    """Names and contents, or where these are. Raises RequestError for a folder that cannot be read."""
    if not request.input_dir:
        yield from ((given.name, given.data) for given in request.pictures)
        return
    folder = Path(request.input_dir).expanduser()
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise RequestError(f"Input directory: {folder} cannot be read: {error.strerror}.") from error
    yield from ((path.name, path) for path in files)


def _operations(request: ExtrasRequest, drawing: Drawing) -> list[Group]:
    """Those that are on, in their order or the settings'."""
    preferences = drawing.context.preferences
    first = {title: place for place, title in enumerate(preferences.postprocessing_operation_order)}
    values = [value for _, value in request.extensions if isinstance(value, Group)]
    wanted = [value for value in values if value.title not in preferences.postprocessing_disable_in_extras]
    return sorted(wanted, key=lambda value: (first.get(value.title, len(first)), value.order))


def _processed(name: str, source: bytes | Path, operations: list[Group], host: Host, drawing: Drawing) -> list[Picture]:
    pictures = [read_picture(_content(source) if isinstance(source, Path) else source, name)]
    for values in operations:
        for picture in list(pictures):
            if not host.first("process", picture=picture, values=values, drawing=drawing):
                raise RequestError(f"{values.title}: there is nothing here that does it.")
            pictures += picture.others
            picture.others = []
    return _told_apart(pictures)


def _content(path: Path) -> bytes:
    """Raises RequestError for what is too large for a picture, such as a film among them."""
    if path.stat().st_size > _LARGEST_FILE:
        raise RequestError(f"A picture's file has at most {_LARGEST_FILE // 2**20} MB.")
    return path.read_bytes()


def _told_apart(pictures: list[Picture]) -> list[Picture]:
    """Each with a suffix of its own."""
    used: dict[str, int] = {}
    made: list[Picture] = []
    for picture in pictures:
        count = used[picture.suffix] = used.get(picture.suffix, 0) + 1
        made.append(replace(picture, suffix=f"{picture.suffix}-{count}" if count > 1 else picture.suffix))
    return made
