"""Takes a picture with its parameters to the tab that makes something of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from sdui.core.errors import RequestError
from sdui.services import Services

from . import markup, results
from .components import ImageFile
from .extras import Extras
from .following import Parts
from .form import Updates
from .img2img import Img2img
from .results import QUIET
from .txt2img import Txt2img


class Receiver(NamedTuple):
    """Where a picture can be sent to."""

    label: str
    tab: str
    """The id of the tab that opens."""
    take: Callable[[bytes, str], Updates]
    """Handed the file's content and its infotext, each may be empty. Raises RequestError."""
    outputs: list[Any]
    """What `take` may change."""


def receivers(txt2img: Txt2img, img2img: Img2img, extras: Extras, png_info: ImageFile) -> dict[str, Receiver]:
    """By A1111's names for them; all parameters go along."""

    def to_txt2img(data: bytes, text: str) -> Updates:
        return txt2img.show_infotext(text)

    def to_extras(data: bytes, text: str) -> Updates:
        return extras.take_picture(data)

    def to_png_info(data: bytes, text: str) -> Updates:
        return {png_info: data}

    outputs = img2img.outputs()
    return {
        "txt2img": Receiver("txt2img", "txt2img", to_txt2img, txt2img.outputs()),
        "img2img": Receiver("img2img", "img2img", partial(img2img.take_recipe, "img2img"), outputs),
        "inpaint": Receiver("inpaint", "img2img", partial(img2img.take_recipe, "inpaint"), outputs),
        "extras": Receiver("extras", "extras", to_extras, extras.outputs()),
        "pnginfo": Receiver("PNG Info", "pnginfo", to_png_info, [png_info]),
    }


class Sending:
    """The buttons under a gallery: prompts go along, seed and size as the settings have it."""

    def __init__(self, services: Services, tabs: gr.Tabs, to: dict[str, Receiver], img2img: Img2img) -> None:
        self._services = services
        self._tabs = tabs
        self._to = {
            "img2img": to["img2img"]._replace(take=partial(img2img.take_picture, "img2img")),
            "inpaint": to["inpaint"]._replace(take=partial(img2img.take_picture, "inpaint")),
            "extras": to["extras"],
        }

    def bind(self, parts: Parts, *, words: bool) -> None:
        """words: the prompts and parameters go along; within one tab, they are there already."""
        for name, receiver in self._to.items():
            parts.tools[name].click(
                self._sender(parts, receiver, words=words),
                [parts.job_id, parts.selected],
                list(dict.fromkeys([*receiver.outputs, self._tabs, parts.log])),
                **QUIET,
            )

    def _sender(self, parts: Parts, receiver: Receiver, *, words: bool) -> Callable[[Any, Any], Updates]:
        def send(job_id: Any, selected: Any) -> Updates:
            image = results.picture(self._services, job_id, selected)
            if image is None:
                return {parts.log: markup.messages(["There is no picture to send yet."])}
            try:
                updates = receiver.take(Path(image.path).read_bytes(), image.infotext if words else "")
            except (OSError, RequestError) as error:
                said = error.strerror if isinstance(error, OSError) else error
                return {parts.log: markup.messages([], f"{Path(image.path).name} cannot be sent: {said}")}
            return updates | {self._tabs: gr.Tabs(selected=receiver.tab)}

        return send


def build(
    services: Services, tabs: gr.Tabs, to: dict[str, Receiver], txt2img: Txt2img, img2img: Img2img, extras: Extras
) -> None:
    sending = Sending(services, tabs, to, img2img)
    sending.bind(txt2img.parts, words=True)
    sending.bind(img2img.parts, words=False)
    sending.bind(extras.parts, words=False)
