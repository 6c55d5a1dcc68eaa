"""A picture and its parameters, sent to the tab that makes something of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from sdui.core.stages import InitImage, Inpaint

from .components import uploaded
from .extras import Extras
from .form import Updates
from .img2img import Img2img
from .txt2img import Txt2img


@dataclass(frozen=True)
class Receivers:
    """The tabs that take something. `path` is the picture's file, `text` its infotext; each may be "".

    Every method returns the updates of its `outputs` and raises RequestError for a picture that has gone.
    """

    tabs: gr.Tabs
    txt2img: Txt2img
    img2img: Img2img
    extras: Extras

    def outputs(self) -> list[Any]:
        shown = [*self.txt2img.outputs(), *self.img2img.outputs(), *self.extras.taken()]
        return [*dict.fromkeys(shown), self.tabs]

    def to_txt2img(self, text: str, _path: str) -> Updates:
        return self.txt2img.show_infotext(text) | self._opened("txt2img")

    def to_img2img(self, text: str, path: str) -> Updates:
        image = uploaded(path, "Source") if path else b""
        return self._parameters(text, path) | self.img2img.pictures.shows(InitImage(image=image))

    def to_inpaint(self, text: str, path: str) -> Updates:
        given = InitImage(image=uploaded(path, "Source"), inpaint=Inpaint(mask=b""))
        return self._parameters(text, path) | self.img2img.pictures.shows(given)

    def to_extras(self, _text: str, path: str) -> Updates:
        return self.extras.takes(uploaded(path, "Source")) | self._opened("extras")

    def _parameters(self, text: str, path: str) -> Updates:
        """A picture that says nothing gives its size."""
        told = self.img2img.show_infotext(text) if text else self.img2img.take_size("", path, None)
        return told | self._opened("img2img")

    def _opened(self, tab: str) -> Updates:
        return {self.tabs: gr.Tabs(selected=tab)}
