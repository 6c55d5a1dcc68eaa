"""The History tab: every saved picture. Its list and its large view are JavaScript (history.js, history_viewer.js)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from sdui.core.errors import SduiError
from sdui.history.history import History

from . import markup
from .components import uploaded
from .form import Updates
from .history_routes import infotext_of
from .results import QUIET
from .sending import Receiver

_PLACEHOLDER = "Search: words of the prompt, or model: lora: sampler: seed: date:2026-11 is:favourite"
_HELP = (
    "Words of the prompt, negative prompt, model, LoRA or file name, or their beginnings; words in quotes stand side "
    "by side. model:demo lora:style sampler:euler seed:41 date:2026-11 date:2026-11-01..2026-11-20 is:favourite"
)
_FRAME = f"""
<div id="history">
  <div class="history-bar">
    <input type="search" id="history_search" aria-label="Search" title="{_HELP}" placeholder="{_PLACEHOLDER}"
      maxlength="500">
    <span id="history_count" role="status"></span>
  </div>
  <p id="history_said" class="error" role="alert" hidden></p>
  <div id="history_grid" aria-label="Saved pictures"></div>
</div>
"""
_CHOSEN = "() => [document.getElementById('history').dataset.chosen]"
_OPENED = "() => { document.dispatchEvent(new Event('history-opened')); }"


class HistoryTab:
    def __init__(self, history: History, opened: gr.Tab) -> None:
        """Inside of its tab, `opened`."""
        self._history = history
        gr.HTML(_FRAME, elem_id="history_frame")
        self._said = gr.HTML(elem_id="html_log_history", elem_classes=["messages"])
        self._buttons = gr.Row(elem_classes=["history-buttons"])
        opened.select(fn=None, js=_OPENED)

    def bind(self, tabs: gr.Tabs, to: dict[str, Receiver]) -> None:
        with self._buttons:
            chosen = gr.Textbox(visible="hidden")
            buttons = {
                name: gr.Button(
                    f"Send to {receiver.label}",
                    visible="hidden",
                    elem_id=f"history_to_{name}",
                    elem_classes=["history-to"],
                )
                for name, receiver in to.items()
            }
        for name, receiver in to.items():
            outputs = list(dict.fromkeys([*receiver.outputs, tabs, self._said]))
            send = _sender(self._history, receiver, tabs, self._said)
            buttons[name].click(send, [chosen], outputs, js=_CHOSEN, **QUIET)


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
