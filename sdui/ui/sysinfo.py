"""The report that a bug's description needs, on the Settings tab's page "Sysinfo"."""

from __future__ import annotations

from html import escape

import gradio as gr

from sdui.services import Services
from sdui.sysinfo import as_text

from .form import Updates
from .results import QUIET

_LINK = (
    '<a class="button" href="internal/sysinfo-download" download>Download system info</a> '
    "Nothing in it tells who you are: folders of yours begin with ~, passwords are left out."
)


def build(services: Services, page: str) -> None:
    gr.HTML(f"<p>{_LINK}</p>", elem_id="sysinfo_download")
    shown = gr.HTML('<p class="quiet">Looking around...</p>', elem_id="sysinfo_text", elem_classes=["tool-list"])
    opened = gr.Button("Open", visible="hidden", elem_id=f"{page}_open")

    def show() -> Updates:
        return {shown: f'<pre tabindex="0">{escape(as_text(services))}</pre>'}

    opened.click(show, None, [shown], **QUIET)
