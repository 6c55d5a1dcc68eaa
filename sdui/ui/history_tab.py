"""The History tab: every saved picture. Its list and its large view are JavaScript (history.js, history_viewer.js)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

from sdui.core.errors import SduiError
from sdui.core.stages import InitImage, Inpaint
from sdui.history.history import History

from . import markup
from .components import ImageFile, uploaded
from .extras import Extras
from .form import Updates
from .history_routes import infotext_of
from .img2img import Img2img
from .results import QUIET
from .txt2img import Txt2img

_PLACEHOLDER = "Search: words of the prompt, or model: lora: sampler: seed: date:2026-11 is:favourite"
_FRAME = f"""
<div id="history">
  <div class="history-bar">
    <input type="search" id="history_search" aria-label="Search" placeholder="{_PLACEHOLDER}" maxlength="500">
    <span id="history_count" role="status"></span>
  </div>
  <p id="history_said" class="error" role="alert" hidden></p>
  <div id="history_grid" aria-label="Saved pictures"></div>
</div>
"""
_CHOSEN = "() => [document.getElementById('history').dataset.chosen]"
_OPENED = "() => { document.dispatchEvent(new Event('history-opened')); }"


class Receiver(NamedTuple):
    """Where a picture can be sent to."""

    label: str
    tab: str
    """The id of the tab that opens."""
    take: Callable[[bytes, str], Updates]
    """Handed the file's content and its infotext."""
    outputs: list[Any]
    """What `take` may change."""


def receivers(txt2img: Txt2img, img2img: Img2img, extras: Extras, png_info: ImageFile) -> dict[str, Receiver]:
    """By the names that their buttons' ids have."""

    sources = extras.sources

    def to_txt2img(data: bytes, text: str) -> Updates:
        return txt2img.show_infotext(text)

    def to_img2img(data: bytes, text: str) -> Updates:
        return from_picture(InitImage(image=data), text)

    def to_inpaint(data: bytes, text: str) -> Updates:
        return from_picture(InitImage(image=data, inpaint=Inpaint(mask=b"")), text)

    def from_picture(init: InitImage, text: str) -> Updates:
        return (img2img.show_infotext(text) if text else {}) | img2img.pictures.shows(init)

    def to_extras(data: bytes, text: str) -> Updates:
        return {sources["image"]: data, sources["mode"]: "single"}

    def to_png_info(data: bytes, text: str) -> Updates:
        return {png_info: data}

    return {
        "txt2img": Receiver("txt2img", "txt2img", to_txt2img, txt2img.outputs()),
        "img2img": Receiver("img2img", "img2img", to_img2img, img2img.outputs()),
        "inpaint": Receiver("inpaint", "img2img", to_inpaint, img2img.outputs()),
        "extras": Receiver("Extras", "extras", to_extras, [sources["image"], sources["mode"]]),
        "pnginfo": Receiver("PNG Info", "pnginfo", to_png_info, [png_info]),
    }


def build(history: History, opened: gr.Tab, tabs: gr.Tabs, to: dict[str, Receiver]) -> None:
    """Inside of its tab, `opened`."""
    gr.HTML(_FRAME, elem_id="history_frame")
    said = gr.HTML(elem_id="html_log_history", elem_classes=["messages"])
    chosen = gr.Textbox(visible="hidden")
    for name, receiver in to.items():
        button = gr.Button(receiver.label, visible="hidden", elem_id=f"history_to_{name}", elem_classes=["history-to"])
        outputs = list(dict.fromkeys([*receiver.outputs, tabs, said]))
        button.click(_sender(history, receiver, tabs, said), [chosen], outputs, js=_CHOSEN, **QUIET)
    opened.select(fn=None, js=_OPENED)


def _sender(history: History, receiver: Receiver, tabs: gr.Tabs, said: gr.HTML) -> Callable[[Any], Updates]:
    """The handler is a public endpoint: `id` may be anything."""

    def send(id: Any) -> Updates:
        try:
            path = history.picture(int(str(id), 16)).path
            updates = receiver.take(uploaded(str(path), "History"), infotext_of(path))
        except ValueError:
            return {said: markup.messages([], "History: choose a picture first.")}
        except SduiError as error:
            return {said: markup.messages([], str(error))}
        return updates | {tabs: gr.Tabs(selected=receiver.tab), said: ""}

    return send
