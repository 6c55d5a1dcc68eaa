"""The Extras tab's work: the operations that are on, one after the other, on each picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sdui.core.errors import RequestError
from sdui.core.events import PictureReady
from sdui.core.extras import ExtrasRequest, Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.host import Host
from sdui.imaging.given_pictures import read_picture

from .sources import Source, content, for_each, sources


def process(request: ExtrasRequest, host: Host, drawing: Drawing) -> None:
    """Every picture, or a sentence why not. Raises RequestError where there is nothing to do, Interrupted."""
    given = sources(request.pictures, request.input_dir, "Input directory")
    if not given:
        raise RequestError("Extras: choose a picture first.")
    operations = _operations(request, drawing)
    folder = request.output_dir if request.input_dir else ""
    shown = request.show_results or not request.input_dir

    def do(_: int, source: Source) -> None:
        for picture in _processed(*source, operations, host, drawing):
            drawing.context.emit(PictureReady(picture, folder, shown, request.kept))

    for_each(given, drawing, do)


def _operations(request: ExtrasRequest, drawing: Drawing) -> list[Group]:
    """Those that are on, in their order or the settings'."""
    preferences = drawing.context.preferences
    first = {title: place for place, title in enumerate(preferences.postprocessing_operation_order)}
    values = [value for _, value in request.extensions if isinstance(value, Group)]
    wanted = [value for value in values if value.title not in preferences.postprocessing_disable_in_extras]
    return sorted(wanted, key=lambda value: (first.get(value.title, len(first)), value.order))


def _processed(name: str, source: bytes | Path, operations: list[Group], host: Host, drawing: Drawing) -> list[Picture]:
    pictures = [read_picture(content(source), name)]
    for values in operations:
        for picture in list(pictures):
            if not host.first("process", picture=picture, values=values, drawing=drawing):
                raise RequestError(f"{values.title}: there is nothing here that does it.")
            pictures += picture.others
            picture.others = []
    return _told_apart(pictures)


def _told_apart(pictures: list[Picture]) -> list[Picture]:
    """Each with a suffix of its own."""
    used: dict[str, int] = {}
    made: list[Picture] = []
    for picture in pictures:
        count = used[picture.suffix] = used.get(picture.suffix, 0) + 1
        made.append(replace(picture, suffix=f"{picture.suffix}-{count}" if count > 1 else picture.suffix))
    return made
