"""The Settings tab's page "Defaults": what the controls hold now becomes what they begin with."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.ui_defaults import Control
from sdui.services import Services

from . import generation, markup
from .controls import Controls
from .form import Updates
from .results import QUIET
from .setting_rows import said

_HEAD = (
    "What the controls of txt2img, img2img and Extras hold now can become what they begin with. Limits can be "
    "changed in the file {path}, with keys such as txt2img/Width/maximum, txt2img/Width/step or txt2img/Width/visible."
)
_SOME = "These controls hold something else than what they begin with:"
_NONE = "The controls hold what they begin with."


def build(services: Services, controls: Controls) -> None:
    gr.HTML(markup.messages([_HEAD.format(path=services.launch.ui_config_path)]), elem_classes=["messages"])
    with gr.Row(elem_classes=["tools"]):
        view = gr.Button("View changes", elem_id="ui_defaults_view", scale=0, min_width=160)
        apply = gr.Button("Apply", variant="primary", elem_id="ui_defaults_apply", scale=0, min_width=160)
    review = gr.HTML(elem_id="ui_defaults_review", elem_classes=["messages"])
    page = DefaultsPage(services, controls, review)
    view.click(page.view, inputs_kwargs=controls.inputs(), outputs=[review], **QUIET)
    apply.click(page.apply, inputs_kwargs=controls.inputs(), outputs=[review], **QUIET)


class DefaultsPage:
    def __init__(self, services: Services, controls: Controls, review: gr.HTML) -> None:
        self._services = services
        self._controls = controls
        self._review = review

    def view(self, **values: Any) -> Updates:
        changed = self._changed(values)
        if not changed:
            return {self._review: markup.messages([_NONE])}
        rows = [(control.keys()[0], said(begun), said(now)) for control, begun, now in changed]
        return {self._review: markup.messages([_SOME]) + markup.differences(rows, "Begins with", "Now")}

    def apply(self, **values: Any) -> Updates:
        changed = self._changed(values)
        path = self._services.launch.ui_config_path
        if not changed:
            return {self._review: markup.messages([_NONE])}
        try:
            self._services.defaults.change({control: now for control, _, now in changed})
        except OSError as error:
            return {self._review: markup.messages([], f"{path} cannot be written: {error.strerror or error}.")}
        count = f"{len(changed)} control{'s' * (len(changed) > 1)}"
        words = f"Wrote {count} to {path}. A new page begins with that where the browser keeps no form."
        return {self._review: markup.messages([words])}

    def _changed(self, values: dict[str, Any]) -> list[tuple[Control, Any, Any]]:
        """A checkpoint brings its size along, which is no choice of the user's."""
        chosen = self._services.checkpoint(self._services.jobs.catalog())
        size: dict[str, Any] = dict(zip(("Width", "Height"), generation.native_size(chosen), strict=True))
        now = self._controls.by_component(values)
        forms = (form.starting for form in self._controls.forms.values() if form.starting)
        return [change for form in forms for change in form.changed(now, size)]
