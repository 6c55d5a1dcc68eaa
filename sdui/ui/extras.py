"""The Extras tab: pictures that are there already, what is to be done to them, and the way to a job."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.extras import ExtrasRequest, Given
from sdui.core.groups import PREFIX, Group, groups_of
from sdui.jobs.job import Job
from sdui.services import Services

from . import fields_of, markup, results
from .components import ImageFile, uploaded
from .following import Parts, busy
from .form import Form, Updates
from .results import QUIET, Memory, client_of, is_local

log = logging.getLogger(__name__)

_SINGLE, _BATCH, _DIRECTORY = "single", "batch", "directory"
_ON_AT_FIRST = "upscale"
_FORGOTTEN = "The server was started again and does not know this page's last job any more."
_ONLY_LOCAL = "Input directory: only a browser on the server's own machine may choose folders; hand the pictures over."


def build(services: Services, catalog: Catalog, memory: Memory) -> Extras:
    """memory: made outside of the tabs."""
    form = Form(services.extras, catalog, "extras", defaults=services.defaults)
    with gr.Row(elem_classes=["workbench"]):
        with gr.Column(elem_id="extras_settings", elem_classes=["settings-column"], scale=4, min_width=320):
            sources = _sources(form)
            for group in sorted(groups_of(services.extras).values(), key=lambda group: group.order):
                _operation(form, group, services.extras)
        with gr.Column(elem_classes=["results"], scale=5, min_width=320):
            parts = results.build(services, "extras", results.generate_box("extras")[0], memory)
    return Extras(services, form, parts, sources)


def _sources(form: Form[ExtrasRequest]) -> dict[str, Any]:
    """Three ways to hand pictures over; the tab that is open counts."""
    mode = gr.Textbox(_SINGLE, visible="hidden", elem_id="extras_mode")
    with gr.Tabs(elem_id="mode_extras", overflow_behavior="wrap") as tabs:
        with gr.Tab("Single Image", id=_SINGLE, elem_id="extras_single_tab") as single:
            image = ImageFile(
                label="Source",
                sources=["upload", "clipboard"],
                elem_id="extras_image",
                height=320,
                buttons=["fullscreen"],
            )
        with gr.Tab("Batch Process", id=_BATCH, elem_id="extras_batch_process_tab") as batch:
            files = gr.File(label="Batch Process", file_count="multiple", elem_id="extras_image_batch", height=240)
        with gr.Tab("Batch from Directory", id=_DIRECTORY, elem_id="extras_batch_directory_tab") as directory:
            for path in ("input_dir", "output_dir", "show_results"):
                form.add(path)
    for tab, name in ((single, _SINGLE), (batch, _BATCH), (directory, _DIRECTORY)):
        tab.select(fn=None, js=f"() => '{name}'", outputs=[mode])
    return {"mode": mode, "image": image, "files": files, "tabs": tabs}


def _operation(form: Form[ExtrasRequest], group: type[Group], requests: type[ExtrasRequest]) -> None:
    """An accordion with the parameters of one operation; the checkbox switches it on."""
    on = group.name == _ON_AT_FIRST
    with gr.Accordion(group.title, open=on) as accordion:
        form.switch(PREFIX + group.name, accordion, value=on)
        fields_of.build(form, group, requests, "txt2img")


class Extras:
    """The tab's handlers. Each is a public endpoint: none trusts what the page sends."""

    def __init__(
        self,
        services: Services,
        form: Form[ExtrasRequest],
        parts: Parts,
        sources: dict[str, Any],
    ) -> None:
        self.services = services
        self.form = form
        self.parts = parts
        self.sources = sources

    def bind(self, page: gr.Blocks) -> None:
        parts, outputs = self.parts, self.parts.all()
        given = {name: self.sources[name] for name in ("mode", "image", "files")}
        named: dict[str, Any] = self.form.inputs() | given | {"job_id": parts.job_id}
        parts.keep_looking(
            page.load(self.attach, [parts.job_id], [*outputs, *self.form.outputs()], **QUIET),
            parts.generate.click(self.submit, inputs_kwargs=named, outputs=outputs, **QUIET),
            parts.timer.tick(self.tick, [parts.job_id, parts.shown], outputs, **QUIET),
        )

    def outputs(self) -> list[Any]:
        """What its handlers may change."""
        return [*self.parts.all(), self.sources["mode"], self.sources["image"], self.sources["tabs"]]

    def take_picture(self, picture: bytes) -> Updates:
        """Work on this picture, alone."""
        opens = {self.sources["mode"]: _SINGLE, self.sources["tabs"]: gr.Tabs(selected=_SINGLE)}
        return opens | {self.sources["image"]: picture, self.parts.log: ""}

    def submit(self, request: gr.Request, job_id: Any, mode: Any, image: Any, files: Any, **values: Any) -> Updates:
        running = self._job(job_id)
        if running and busy(running):
            return self.parts.follow(running, self.services.jobs)
        try:
            if mode == _DIRECTORY and not is_local(request):
                raise RequestError(_ONLY_LOCAL)
            asked = self._asked(mode, image, files, values)
        except RequestError as error:
            log.warning("refused: %s", error)
            return {self.parts.log: markup.messages([], str(error))}
        job = self.services.jobs.add(Job(asked, self.services.settings.current, client=client_of(request)))
        return self.parts.follow(job, self.services.jobs)

    def tick(self, job_id: Any, shown: dict[str, Any] | None) -> Updates:
        job = self._job(job_id)
        if job is None:
            return self.parts.idle(_FORGOTTEN if job_id else "")
        shown = shown if isinstance(shown, dict) else {}
        return self.parts.changes(job, self.services.jobs, shown) or {self.parts.shown: gr.skip()}

    def attach(self, job_id: Any, request: gr.Request) -> Updates:
        """For a page that was just opened: its own last job."""
        job = self._job(job_id)
        updates = self.parts.follow(job, self.services.jobs) if job else self.parts.idle()
        return self.form.begun() | updates | {self.parts.tools["folder"]: gr.update(visible=is_local(request))}

    def _asked(self, mode: Any, image: Any, files: Any, values: dict[str, Any]) -> ExtrasRequest:
        """Raises RequestError."""
        asked = self.form.read(values)
        match mode:
            case "directory":
                if not asked.input_dir.strip():
                    raise RequestError("Input directory: it is empty.")
                return asked
            case "batch":
                given = tuple(Given(data=uploaded(path, "Extras"), name=Path(path).name) for path in files or ())
            case _:
                # Without a name, as A1111 has it: what a single picture becomes is numbered.
                given = (Given(data=uploaded(image, "Extras")),) if image else ()
        if not given:
            raise RequestError("Extras: choose a picture first.")
        return asked.model_copy(update={"pictures": given, "input_dir": "", "output_dir": ""})

    def _job(self, job_id: Any) -> Job | None:
        return self.services.jobs.get(job_id) if isinstance(job_id, str) else None
