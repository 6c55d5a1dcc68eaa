"""Controls of extensions on a tab: an accordion for each that may be on, and the drop-down of scripts."""

from __future__ import annotations

import json

import gradio as gr

from sdui.core.groups import PREFIX, Kind, groups_of
from sdui.core.request import GenerationRequest

from . import fields_of
from .form import Form


def build(form: Form[GenerationRequest], requests: type[GenerationRequest], kind: Kind) -> None:
    """In the columns of a tab; made from the declarations alone."""
    with gr.Column(elem_id=f"{kind}_script_container"):
        _build(form, requests, kind)


def _build(form: Form[GenerationRequest], requests: type[GenerationRequest], kind: Kind) -> None:
    here = sorted(groups_of(requests).values(), key=lambda group: group.order)
    here = [group for group in here if kind in group.kinds]
    for group in (group for group in here if group.place == "always"):
        with gr.Accordion(group.title, open=False) as accordion:
            form.switch(PREFIX + group.name, accordion)
            fields_of.build(form, group, requests, kind)
    chooser = form.choose_script(elem_id=f"{kind}_script_list")
    boxes: list[gr.Column] = []
    scripts = [group for group in here if group.place == "script"]
    for group in scripts:
        with gr.Column(visible=False) as box:
            fields_of.build(form, group, requests, kind)
        boxes.append(box)
    titles = json.dumps([group.title for group in scripts])
    only_chosen = f"title => {titles}.map(one => ({{__type__: 'update', visible: one === title}}))"
    chooser.change(fn=None, js=only_chosen, inputs=[chooser], outputs=boxes)
