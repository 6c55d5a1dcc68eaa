"""Gradio's components as this page needs them: they hand on what they get, the declarations decide what is valid."""

from __future__ import annotations

from abc import ABCMeta
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.image_editor import EditorData
from gradio.data_classes import FileData
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import is_static_file

from sdui.core.errors import RequestError


class _NoStub(type(gr.Slider)):
    """Gradio's metaclass writes a .pyi file beside the source of every component class; this one does not."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> type:
        return ABCMeta.__new__(cls, name, bases, attrs)


class OpenSlider(gr.Slider, metaclass=_NoStub):
    """A slider that only suggests a range; a number beyond it is handed on."""

    def get_block_name(self) -> str:
        return "slider"

    def preprocess(self, payload: float) -> float:
        return payload


class OpenDropdown(gr.Dropdown, metaclass=_NoStub):
    """A drop-down whose choices may change after the page was built; a name that is none of them is handed on."""

    def get_block_name(self) -> str:
        return "dropdown"

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value


class OpenRadio(gr.Radio, metaclass=_NoStub):
    """A choice that is handed on whatever it is."""

    def get_block_name(self) -> str:
        return "radio"

    def preprocess(self, payload: Any) -> Any:
        return payload


class OpenCheckboxes(gr.CheckboxGroup, metaclass=_NoStub):
    """Choices that are handed on whatever they are."""

    def get_block_name(self) -> str:
        return "checkboxgroup"

    def preprocess(self, payload: Any) -> Any:
        return payload


class ImageFile(gr.Image, metaclass=_NoStub):
    """A picture that the user uploads, handed on as the path of the very file, whatever is in it.

    It shows the encoded picture that it is given as bytes, from then on as if it had been uploaded.
    """

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> str | None:
        return payload.path if payload else None

    def postprocess(self, value: Any) -> Any:
        return super().postprocess(
            save_bytes_to_cache(value, "picture.png", self.GRADIO_CACHE) if isinstance(value, bytes) else value
        )


class StrokeEditor(gr.ImageEditor, metaclass=_NoStub):
    """Brush and eraser over a picture. It hands on the layers that were painted, as paths of PNG files.

    It shows the picture whose path, or encoded content, it is given, with nothing painted on it.
    """

    def get_block_name(self) -> str:
        return "imageeditor"

    def preprocess(self, payload: Any) -> Any:
        return [layer.path for layer in payload.layers] if payload else []

    def postprocess(self, value: Any) -> EditorData | None:
        if isinstance(value, bytes):
            value = save_bytes_to_cache(value, "picture.png", self.GRADIO_CACHE)
        return EditorData(background=FileData(path=value)) if value else None


def uploaded(path: str, field: str) -> bytes:
    """Raises RequestError, which names the field, for a file that has gone since it was handed over."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RequestError(f"{field}: {Path(path).name} has to be handed over again: {error.strerror}.") from error


def serve(path: str) -> str:
    """Let browsers read this one file from where it is; the output folders can be changed while the server runs."""
    if not is_static_file(path):
        gr.set_static_paths([path])
    return path
