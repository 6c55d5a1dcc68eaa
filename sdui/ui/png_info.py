"""The PNG Info tab: what a file says about how a picture was made, and where to go with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from sdui.core import infotext
from sdui.core.errors import RequestError
from sdui.imaging.file_formats import Texts, read_texts
from sdui.services import Services

from . import markup
from .components import ImageFile, uploaded
from .form import Updates
from .replaying import ReplayPanel
from .results import QUIET
from .sending import Receiver

_HINT = '<p class="notice">A picture made here, or by another program that writes its parameters, shows them.</p>'
_LONGEST = 2**20
"""Letters of a text file."""
_TEXT_FILE = "() => [document.getElementById('pnginfo_image').dataset.text]"


def build(services: Services) -> PngInfo:
    with gr.Row(elem_classes=["workbench"]):
        with gr.Column(scale=4, min_width=300):
            image = ImageFile(
                label="Source",
                placeholder="Drop a picture here, or a text file with parameters\n- or -\nClick to choose one",
                sources=["upload", "clipboard"],
                elem_id="pnginfo_image",
                height=420,
                buttons=["fullscreen"],
            )
            with gr.Row(elem_id="pnginfo_send_to", elem_classes=["send-to"]):
                buttons = {
                    name: gr.Button(
                        f"Send to {name}", elem_id=f"{name}_tab", interactive=False, min_width=120, size="sm"
                    )
                    for name in ("txt2img", "img2img", "inpaint", "extras")
                }
            replay = ReplayPanel(services)
        with gr.Column(scale=5, min_width=300):
            table = gr.HTML(_HINT, elem_id="html_info_pnginfo", elem_classes=["infotext"])
            text = gr.Textbox(elem_id="pnginfo_generation_info", label="Parameters", visible="hidden")
            replay.results()
    return PngInfo(services, image, buttons, table, text, replay)


class PngInfo:
    """The handlers are public endpoints: none trusts what the page sends."""

    def __init__(
        self,
        services: Services,
        image: ImageFile,
        buttons: dict[str, gr.Button],
        table: gr.HTML,
        text: gr.Textbox,
        replay: ReplayPanel,
    ) -> None:
        self._services = services
        self.image = image
        self._buttons = buttons
        self._table = table
        self._text = text
        self._replay = replay
        self._of_text_file = gr.State(False)
        """Whether what is shown came without a picture."""

    def bind(self, tabs: gr.Tabs, to: dict[str, Receiver]) -> None:
        outputs = [self._table, self._text, self._of_text_file, *self._buttons.values(), *self._replay.offered()]
        self.image.change(self.read, [self.image, self._of_text_file], outputs, **QUIET)
        given = gr.Textbox(visible="hidden")
        reader = gr.Button("Read the text file", visible="hidden", elem_id="pnginfo_read_text")
        reader.click(self.read_text, [given], [self.image, *outputs], js=_TEXT_FILE, **QUIET)
        for name, button in self._buttons.items():
            outputs = list(dict.fromkeys([*to[name].outputs, tabs, self._table]))
            button.click(self._sender(to[name], tabs), [self._text, self.image], outputs, **QUIET)
        self._replay.bind(self.image)

    def _sender(self, receiver: Receiver, tabs: gr.Tabs) -> Callable[[Any, Any], Updates]:
        def send(text: Any, path: Any) -> Updates:
            try:
                updates = receiver.take(uploaded(path, "Source") if path else b"", str(text or ""))
            except RequestError as error:
                return {self._table: markup.messages([], str(error))}
            return updates | {tabs: gr.Tabs(selected=receiver.tab)}

        return send

    def read(self, path: Any, of_text_file: Any) -> Updates:
        """A picture was chosen or taken away; the latter also where a text file has taken its place."""
        if not path and of_text_file:
            return {self._table: gr.skip()}
        if not path:
            return self._nothing(_HINT)
        try:
            texts = read_texts(uploaded(path, "Source"))
        except RequestError as error:
            return self._nothing(markup.messages([], str(error)))
        return self._shows(texts, path)

    def read_text(self, text: Any) -> Updates:
        """A text file has taken the picture's place."""
        words = str(text or "")[:_LONGEST].strip()
        if not words:
            return {self.image: None} | self._nothing(markup.messages(["This text file is empty."]))
        return {self.image: None} | self._shows(Texts(words, {}), "") | {self._of_text_file: True}

    def _shows(self, texts: Texts, path: str) -> Updates:
        text, picture = texts.infotext, bool(path)
        notices = (
            [f"These are the words of {texts.program}, as far as they mean something here."] if texts.program else []
        )
        if not text:
            notices = ["This picture holds no parameters."]
        shown = markup.table(text) if text else ""
        said = f'<div class="messages">{markup.messages([*notices, *texts.remarks])}</div>'
        others = markup.folded(f"Other texts in this file ({len(texts.others)})", texts.others)
        request = infotext.read(text, self._services.requests) if text else None
        return self._replay.offer(request if picture else None) | {
            self._table: shown + said + others,
            self._text: text,
            self._of_text_file: False,
            self._buttons["txt2img"]: gr.update(interactive=bool(text)),
            self._buttons["img2img"]: gr.update(interactive=True),
            self._buttons["inpaint"]: gr.update(interactive=picture),
            self._buttons["extras"]: gr.update(interactive=picture),
        }

    def _nothing(self, words: str) -> Updates:
        off: Updates = {button: gr.update(interactive=False) for button in self._buttons.values()}
        return off | self._replay.offer(None) | {self._table: words, self._text: "", self._of_text_file: False}
