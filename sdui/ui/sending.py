"""Takes a picture from one tab's results to another tab, with what it was made with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from sdui.core.errors import RequestError

from . import markup, results
from .extras import Extras
from .following import Parts
from .form import Updates
from .img2img import Img2img
from .results import QUIET
from .services import Services
from .txt2img import Txt2img

Take = Callable[[bytes, str], Updates]


class Sending:
    def __init__(self, services: Services, tabs: gr.Tabs, img2img: Img2img, extras: Extras) -> None:
        self._services = services
        self._tabs = tabs
        self._takes: dict[str, tuple[str, Take, list[Any]]] = {
            "img2img": ("img2img", lambda data, text: img2img.take_picture("img2img", data, text), img2img.outputs()),
            "inpaint": ("img2img", lambda data, text: img2img.take_picture("inpaint", data, text), img2img.outputs()),
            "extras": ("extras", lambda data, text: extras.take_picture(data), extras.outputs()),
        }

    def bind(self, parts: Parts, *, words: bool) -> None:
        """words: the prompts and parameters go along; within one tab, they are there already."""
        for name, (tab, take, outputs) in self._takes.items():
            parts.tools[name].click(
                self._sender(parts, tab, take, words=words),
                [parts.job_id, parts.selected],
                list(dict.fromkeys([*outputs, self._tabs, parts.log])),
                **QUIET,
            )

    def _sender(self, parts: Parts, tab: str, take: Take, *, words: bool) -> Callable[[Any, Any], Updates]:
        def send(job_id: Any, selected: Any) -> Updates:
            image = results.picture(self._services, job_id, selected)
            if image is None:
                return {parts.log: markup.messages(["There is no picture to send yet."])}
            try:
                updates = take(Path(image.path).read_bytes(), image.infotext if words else "")
            except (OSError, RequestError) as error:
                said = error.strerror if isinstance(error, OSError) else error
                return {parts.log: markup.messages([], f"{Path(image.path).name} cannot be sent: {said}")}
            return updates | {self._tabs: gr.Tabs(selected=tab)}

        return send


def build(services: Services, tabs: gr.Tabs, txt2img: Txt2img, img2img: Img2img, extras: Extras) -> None:
    sending = Sending(services, tabs, img2img, extras)
    sending.bind(txt2img.parts, words=True)
    sending.bind(img2img.parts, words=False)
    sending.bind(extras.parts, words=False)
