"""The two boxes for prompts, their counters of tokens and remarks (token_counter.js), and what is dropped on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.groups import Kind
from sdui.core.request import GenerationRequest
from sdui.imaging.file_formats import read_infotext

from .components import uploaded
from .form import Form

_TEXTS = (".txt",)
_FIELD = "Prompt"
_COUNTER = '<span role="status" aria-label="Tokens">0/75</span>'
_NEGATIVE = "Negative prompt\n(What the picture must not show)"


def build(form: Form[GenerationRequest], tab: Kind) -> gr.File:
    """The file that a script hands over what was dropped with (prompt_drop.js)."""
    with gr.Column(elem_id=f"{tab}_prompt_row", elem_classes=["prompt-row"]):
        form.add("prompt")
        _counter(f"{tab}_token_counter")
    with gr.Column(elem_id=f"{tab}_neg_prompt_row", elem_classes=["prompt-row"]):
        form.add("negative_prompt", placeholder=_NEGATIVE)
        _counter(f"{tab}_negative_token_counter")
    return gr.File(label="Read parameters", visible="hidden", elem_id=f"{tab}_prompt_image")


def _counter(elem_id: str) -> None:
    gr.HTML(_COUNTER, elem_id=elem_id, elem_classes=["token-counter"])
    gr.HTML("<ul></ul>", elem_id=f"{elem_id}_remarks", elem_classes=["prompt-remarks"])


def infotext_of(path: Any) -> str:
    """The parameters in an uploaded picture or text file. Raises RequestError where there are none."""
    if not isinstance(path, str):
        raise RequestError(f"{_FIELD}: no file has come.")
    data, name = uploaded(path, _FIELD), Path(path).name
    if Path(path).suffix.lower() in _TEXTS:
        text = data.decode("utf-8-sig", errors="replace").strip()
    else:
        text = read_infotext(data)
    if not text:
        raise RequestError(f"{_FIELD}: {name} holds no parameters.")
    return text
