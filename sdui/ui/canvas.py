"""A picture that is painted on: the very file that was chosen, and an editor that shows it and holds the strokes.

The file is never read back from the editor, which would hand on what a browser made of it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import gradio as gr
from PIL import Image

from sdui.core.errors import RequestError
from sdui.imaging.pixels import opened
from sdui.imaging.strokes import png

from . import markup
from .components import ImageFile, StrokeEditor, uploaded
from .form import Updates
from .results import QUIET

_SHOWN = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""Formats that every browser draws."""
_HEIGHT = 400
_TAKEN_AWAY = """() => [
  {__type__: "update", value: null, visible: true},
  {__type__: "update", value: null, visible: false},
]"""


class Canvas:
    """Two components of which one is seen: what a picture is put into, then what it is painted on with."""

    def __init__(self, label: str, elem_id: str, brush: gr.Brush) -> None:
        with gr.Column(elem_id=elem_id, elem_classes=["canvas"]):
            self.image = picture_box(label, None, _HEIGHT)
            self.editor = StrokeEditor(
                label=label,
                sources=(),
                transforms=(),
                layers=False,
                brush=brush,
                buttons=[],
                height=_HEIGHT,
                visible=False,
            )

    def bind(self, log: gr.HTML) -> None:
        self._log = log
        both = [self.image, self.editor]
        self.image.upload(self.take, [self.image], [*both, log], **QUIET)
        self.editor.clear(fn=None, js=_TAKEN_AWAY, outputs=both)

    def take(self, path: Any) -> Updates:
        """A picture that was put in, or a message in the place of one that cannot be read."""
        try:
            return self.shows(path) | {self._log: ""}
        except RequestError as error:
            return {self.image: None, self._log: markup.messages([], str(error))}

    def shows(self, picture: str | bytes) -> Updates:
        """With nothing painted on it. Raises RequestError for what is no picture."""
        data = picture if isinstance(picture, bytes) else content(picture, "Image")
        image = opened(data, "Image")
        with Image.open(io.BytesIO(data)) as file:
            known = file.format in _SHOWN and file.mode in ("1", "L", "LA", "P", "RGB", "RGBA")
        return {
            self.image: gr.update(value=picture, visible=False),
            self.editor: gr.update(value=picture if known else png(image), visible=True),
        }


def picture_box(label: str, elem_id: str | None, height: int, **look: Any) -> ImageFile:
    return ImageFile(
        label=label,
        sources=["upload", "clipboard"],
        elem_id=elem_id,
        height=height,
        buttons=["fullscreen"],
        **look,
    )


def content(path: Any, field: str) -> bytes:
    """Raises RequestError where no picture has been chosen, or it has gone."""
    if not path:
        raise RequestError(f"{field}: choose a picture first.")
    return uploaded(path, field)


def strokes_of(paths: Any) -> Sequence[bytes]:
    """The layers that an editor hands on. Raises RequestError."""
    return [uploaded(path, "Mask") for path in paths or ()]
