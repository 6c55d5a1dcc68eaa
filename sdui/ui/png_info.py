"""The PNG Info tab: what a picture's file says about how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.imaging.file_formats import read_infotext

from . import markup
from .components import ImageFile
from .form import Updates
from .results import QUIET
from .txt2img import Txt2img


def build(txt2img: Txt2img, tabs: gr.Tabs) -> ImageFile:
    """Returns where its picture goes."""
    with gr.Row(elem_classes=["workbench"]):
        with gr.Column(scale=4, min_width=300):
            image = ImageFile(
                label="Drop a picture here, or click to choose one",
                sources=["upload", "clipboard"],
                elem_id="pnginfo_image",
                height=420,
                buttons=["fullscreen"],
            )
            send = gr.Button("Send to txt2img", variant="primary", elem_id="txt2img_tab", interactive=False)
        with gr.Column(scale=5, min_width=300):
            table = gr.HTML(_HINT, elem_id="html_info_pnginfo", elem_classes=["infotext"])
            text = gr.Textbox(elem_id="pnginfo_generation_info", label="Parameters", visible="hidden")
    image.change(_read, [image], [table, text, send], **QUIET)

    def send_to_txt2img(parameters: str) -> Updates:
        return txt2img.show_infotext(parameters) | {tabs: gr.Tabs(selected="txt2img")}

    send.click(send_to_txt2img, [text], [*txt2img.outputs(), tabs], **QUIET)
    return image


_HINT = '<p class="notice">A picture made here, or by another program that writes its parameters, shows them.</p>'


def _read(path: str | None) -> tuple[str, str, Any]:
    """(readable parameters, the raw text, the send button)."""
    if not path:
        return _HINT, "", gr.update(interactive=False)
    try:
        text = read_infotext(Path(path).read_bytes())
    except (RequestError, OSError) as error:
        return markup.messages([], str(error)), "", gr.update(interactive=False)
    if not text:
        return markup.messages(["This picture holds no parameters."]), "", gr.update(interactive=False)
    return markup.table(text), text, gr.update(interactive=True)
