"""Controls of extensions on a tab: an accordion for each that may be on, and the drop-down of scripts."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from sdui.core.groups import PREFIX, Group, Kind, groups_of, parameters
from sdui.core.request import GenerationRequest

from .form import Form, Updates
from .results import QUIET


def build(form: Form[GenerationRequest], requests: type[GenerationRequest], kind: Kind) -> None:
    """In the columns of a tab; made from the declarations alone."""
    here = sorted(groups_of(requests).values(), key=lambda group: group.order)
    here = [group for group in here if kind in group.kinds]
    for group in (group for group in here if group.place == "always"):
        with gr.Accordion(group.title, open=False) as accordion:
            form.switch(PREFIX + group.name, accordion)
            _fields(form, group, requests, kind)
    chooser = form.choose_script(elem_id=f"{kind}_script_list")
    boxes: list[gr.Column] = []
    scripts = [group for group in here if group.place == "script"]
    for group in scripts:
        with gr.Column(visible=False) as box:
            _fields(form, group, requests, kind)
        boxes.append(box)
    titles = json.dumps([group.title for group in scripts])
    only_chosen = f"title => {titles}.map(one => ({{__type__: 'update', visible: one === title}}))"
    chooser.change(fn=None, js=only_chosen, inputs=[chooser], outputs=boxes)


def _fields(form: Form[GenerationRequest], group: type[Group], requests: type[GenerationRequest], kind: Kind) -> None:
    made = {d.path.rpartition(".")[2]: form.add(d.path) for d in parameters(group)}
    if not group.watched:
        return
    for name, look in group.looks({name: one.value for name, one in made.items()}, requests, kind).items():
        made[name].visible = look.visible

    def follow(**values: Any) -> Updates:
        looks = group.looks(values, requests, kind)
        return {made[name]: form.looking(look) for name, look in looks.items()}

    for name in group.watched:
        made[name].change(follow, inputs_kwargs=made, outputs=list(made.values()), **QUIET)
