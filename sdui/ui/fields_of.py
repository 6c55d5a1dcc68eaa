"""The fields of one extension, script or operation, made from its declarations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from sdui.core.groups import Extended, Group, Kind, parameters
from sdui.core.params import Declared

from .form import Form, Updates
from .results import QUIET

_LONGEST = 2**22
"""Bytes of a text file."""


def build(form: Form[Any], group: type[Group], requests: type[Extended], kind: Kind) -> None:
    made: dict[str, Any] = {}
    for d in parameters(group):
        made[d.path.rpartition(".")[2]] = component = form.add(d.path)
        if d.param.widget == "text_file":
            _upload(d, component)
    _follow(form, group, requests, kind, made)
    if group.buttons:
        with gr.Row(elem_classes=["tools"]):
            for button in group.buttons:
                clicked = gr.Button(button.title, elem_id=button.elem_id, size="sm", min_width=120)
                press = _presser(form, group, requests, kind, made, button.elem_id)
                clicked.click(press, inputs_kwargs=made, outputs=list(made.values()), **QUIET)


def _follow(form: Form[Any], group: type[Group], requests: type[Extended], kind: Kind, made: dict[str, Any]) -> None:
    if not group.watched:
        return
    for name, look in group.looks({name: one.value for name, one in made.items()}, requests, kind).items():
        made[name].visible = look.visible

    def follow(**values: Any) -> Updates:
        looks = group.looks(values, requests, kind)
        return {made[name]: form.looking(look) for name, look in looks.items()}

    # Not `change`: whoever fills the form says how its fields look, and Gradio could ask for them half filled.
    for name in group.watched:
        made[name].input(follow, inputs_kwargs=made, outputs=list(made.values()), **QUIET)


def _presser(
    form: Form[Any], group: type[Group], requests: type[Extended], kind: Kind, made: dict[str, Any], button: str
) -> Callable[..., Updates]:
    def press(**values: Any) -> Updates:
        looks = group.pressed(button, values, requests, kind)
        return {made[name]: form.looking(look) for name, look in looks.items()} or {made[next(iter(made))]: gr.skip()}

    return press


def _upload(d: Declared, component: Any) -> None:
    """A button that fills the field from a file, for those who have their text in one."""
    elem_id = component.elem_id.removesuffix("_prompt_txt") + "_file"
    upload = gr.UploadButton(
        f"Upload {d.param.label.removeprefix('List of ')}", file_types=["text"], size="sm", elem_id=elem_id
    )

    def read(path: Any) -> Any:
        """Gradio hands over the path of its own copy."""
        return Path(path).read_bytes()[:_LONGEST].decode("utf-8-sig", errors="replace") if path else ""

    upload.upload(read, [upload], [component], **QUIET)
