"""The Checkpoint Merger tab: a new checkpoint from one, two or three others, made by a job of its own."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError, SduiError
from sdui.core.merging import METHODS, MergeRequest
from sdui.jobs.job import View
from sdui.services import Services

from . import markup
from .checkpoints import QuickSettings, tool
from .form import Form, Updates
from .results import QUIET
from .side_job import SideJob

_MODELS = ("primary", "secondary", "tertiary")
_NUMBERS = ("one model is needed: A", "two models are needed: A and B", "three models are needed: A, B and C")


def build(services: Services, catalog: Catalog, quick: QuickSettings) -> Merger:
    form = Form(MergeRequest, catalog, "modelmerger")
    with gr.Row(elem_classes=["workbench"]):
        with gr.Column(elem_classes=["settings-column"], scale=4, min_width=320):
            description = gr.HTML(elem_id="modelmerger_interp_description", elem_classes=["messages"])
            refresh = _models(form)
            form.add("output")
            form.add("multiplier")
            form.add("method", info=None)
            _file(form)
            read = _metadata(form)
            merge = gr.Button("Merge", elem_id="modelmerger_merge", variant="primary")
        with (
            gr.Column(elem_id="modelmerger_results_container", scale=5, min_width=320),
            gr.Group(elem_id="modelmerger_results_panel"),
        ):
            job = SideJob(services, "modelmerger")
            result = gr.HTML(elem_id="modelmerger_result", elem_classes=["messages"])
    tab = Merger(services, quick, form, description, result, job)
    tab.bind(merge, refresh, read)
    return tab


def _models(form: Form[MergeRequest]) -> gr.Button:
    with gr.Row(elem_id="modelmerger_models", elem_classes=["tools"]):
        for name in _MODELS:
            form.add(name, value=None, min_width=150)
        return tool("Refresh the list of checkpoints", "refresh_checkpoint_A")


def _file(form: Form[MergeRequest]) -> None:
    with gr.Row():
        form.add("format", min_width=140)
        form.add("half", min_width=140)
    with gr.Row():
        form.add("config_source", min_width=140)
        form.add("bake_in_vae", min_width=140)
    form.add("discard_weights")
    form.add("overwrite")


def _metadata(form: Form[MergeRequest]) -> gr.Button:
    with gr.Accordion("Metadata", open=False, elem_id="modelmerger_metadata"):
        for name in ("save_metadata", "add_merge_recipe", "copy_metadata", "metadata_json"):
            form.add(name)
        return gr.Button("Read metadata from selected checkpoints", elem_id="modelmerger_read_metadata", size="sm")


class Merger:
    """The tab's handlers. Each is a public endpoint: none trusts what the page sends."""

    def __init__(
        self,
        services: Services,
        quick: QuickSettings,
        form: Form[MergeRequest],
        description: gr.HTML,
        result: gr.HTML,
        job: SideJob,
    ) -> None:
        self._services = services
        self._quick = quick
        self.form = form
        self._description = description
        self._result = result
        self._job = job

    def bind(self, merge: gr.Button, refresh: gr.Button, read: gr.Button) -> None:
        field, job = self.form.components, self._job
        lists = [*(field[name] for name in _MODELS), field["bake_in_vae"], self._quick.dropdown, self._quick.banner]
        outputs = [self._result, *job.outputs()]
        method = {"inputs": [field["method"]], "outputs": [self._description, *(field[name] for name in _MODELS)]}
        field["method"].change(self.describe, **method, **QUIET)
        given: dict[str, Any] = self.form.inputs() | {"asked": job.asked}
        merge.click(self.start, inputs_kwargs=given, outputs=outputs, **QUIET)
        job.timer.tick(self.tick, [job.asked, self._quick.dropdown], [*outputs, *lists], **QUIET)
        refresh.click(self.refresh, [self._quick.dropdown], lists, **QUIET)
        chosen = [field[name] for name in _MODELS]
        read.click(self.read_metadata, chosen, [field["metadata_json"], self._result], **QUIET)

    def attach(self) -> Updates:
        """For a page that was just opened: a merge that runs, whoever asked for it, and what the method means."""
        jobs = (job for job in self._services.jobs.list() if isinstance(job.task, MergeRequest))
        running = next((job for job in jobs if not job.view().ended), None)
        return self.describe(MergeRequest().method) | (self._job.begun(running) if running else {})

    def outputs(self) -> list[Any]:
        """What `attach` changes."""
        return [self._description, *(self.form.components[name] for name in _MODELS), *self._job.outputs()]

    def describe(self, method: Any) -> Updates:
        """What the method makes, and which models it reads."""
        if method not in METHODS:
            return {self._description: ""}
        needed = 1 + list(METHODS).index(method)
        words = f"{method}, {_NUMBERS[needed - 1]}. The result is {METHODS[method]}"
        fields = {self.form.components[name]: gr.update(interactive=at < needed) for at, name in enumerate(_MODELS)}
        return fields | {self._description: markup.messages([words])}

    def start(self, asked: Any, **values: Any) -> Updates:
        if self._job.running(asked):
            return {self._result: gr.skip()}
        try:
            request = self.form.read({name: "" if value is None else value for name, value in values.items()})
        except RequestError as error:
            return {self._result: markup.messages([], str(error))}
        job = self._services.jobs.submit(request, self._services.settings.current)
        return self._job.begun(job) | {self._result: ""}

    def tick(self, asked: Any, drawing: Any) -> Updates:
        updates, job = self._job.look(asked)
        if job is None:
            return updates
        view = job.view()
        ended = updates | {self._result: markup.messages([*view.notices, *_outcome(view)], view.error)}
        return ended | self.refresh(drawing) if view.model else ended

    def refresh(self, drawing: Any) -> Updates:
        """Lists of what is in the folders now. drawing: the checkpoint that the page draws with stays."""
        catalog = self._services.jobs.fresh_catalog()
        chosen = catalog.find(drawing) if isinstance(drawing, str) else None
        shown = self._quick.shows(catalog, chosen or self._services.checkpoint(catalog))
        return self.form.relist(catalog) | shown

    def read_metadata(self, *names: Any) -> Updates:
        """Of A, B and C together, where the later ones win, as A1111 has it."""
        found: dict[str, str] = {}
        try:
            for name in names:
                if name:
                    found |= self._services.jobs.metadata(str(name))
        except SduiError as error:
            return {self._result: markup.messages([], str(error))}
        said = [] if found else ["The selected checkpoints hold no metadata."]
        text = json.dumps(found, indent=4, ensure_ascii=False)
        return {self.form.components["metadata_json"]: text, self._result: markup.messages(said)}


def _outcome(view: View) -> list[str]:
    if view.model:
        return [f"Checkpoint saved to {view.model.path}. SHA-256: {view.model.sha256}"]
    return ["Interrupted, nothing was written."] if view.state == "stopped" else []
