"""The txt2img tab: pictures from noise alone. As the first tab it has the checkpoint's examples and native size."""

from __future__ import annotations

from typing import Any

import gradio as gr
from pydantic import ValidationError

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.events import ImageSaved
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.stages import Hires
from sdui.imaging.hires_size import hires_size
from sdui.services import Services

from . import checkpoints, generation, markup, results, scripts, sections
from .checkpoints import QuickSettings
from .following import Parts, busy
from .form import Form, Updates
from .generation import Generation, Tools
from .results import QUIET, Memory
from .seeds import SeedRow
from .sizes import SIDES

_HIRES = (
    ("upscaler", "steps", "denoising_strength"),
    ("scale", "resize_x", "resize_y"),
    ("model", "sampler", "schedule"),
    ("prompt", "negative_prompt"),
)
"""Rows of the accordion, as A1111 has them."""
_IDS = {
    "model": "hr_checkpoint",
    "sampler": "hr_sampler",
    "schedule": "hr_scheduler",
    "prompt": "hires_prompt",
    "negative_prompt": "hires_neg_prompt",
}
"""A1111's, which have no tab before them."""
_HIRES_SIZE = ("hires.scale", "hires.resize_x", "hires.resize_y")
_NO_PICTURE = "Choose a picture that was drawn here, not a grid: it is drawn again with the settings of hires. fix."
_NOT_NOW = "Wait until the running job has ended."
_PICKED = f"(title, job, shown) => [document.getElementById('{checkpoints.PICK}').dataset.title, job, shown]"
_FROM_A_PICTURE = (
    "The picture was made from another picture, which its text does not hold and this tab cannot take; "
    "everything else is filled in."
)


def build(services: Services, catalog: Catalog, quick: QuickSettings, memory: Memory) -> Txt2img:
    form = Form(services.requests, catalog, "txt2img", defaults=services.defaults)
    form.adopt("model", quick.dropdown)
    chosen = services.checkpoint(catalog)
    top = generation.top(services, form, "txt2img")
    rows = checkpoints.examples(chosen)
    chips = gr.Dataset(
        components=["textbox"], samples=[*rows], label="Examples", elem_id="txt2img_examples", visible=bool(rows)
    )

    with gr.Row(elem_classes=["workbench"]):
        with generation.controls("txt2img"):
            size = generation.native_size(chosen)
            made = sections.build(
                services,
                {
                    "sampler": lambda: generation.sampling(form, "txt2img"),
                    "accordions": lambda: _accordions(form),
                    "dimensions": lambda: generation.size_and_batch(form, "txt2img", size),
                    "cfg": lambda: form.add("cfg_scale"),
                    "seed": lambda: SeedRow(form, "txt2img"),
                    "override_settings": lambda: generation.override_box("txt2img"),
                    "scripts": lambda: scripts.build(form, services.requests, "txt2img"),
                },
            )
        parts = results.build(services, "txt2img", top.buttons, memory)
    made["seed"].bind(services, parts)
    tab = Txt2img(services, quick, form, parts, made["override_settings"], chips)
    tab.bind(top.tools)
    tab.take_files(top.dropped)
    _tell_hires_size(form, made["accordions"])
    return tab


def _accordions(form: Form[GenerationRequest]) -> gr.HTML:
    """Where the size after hires fix is told."""
    with gr.Column(elem_id="txt2img_accordions", elem_classes=["accordions"]):
        size = _hires(form)
        generation.refiner(form, "txt2img")
    return size


def _hires(form: Form[GenerationRequest]) -> gr.HTML:
    with gr.Accordion("Hires. fix", open=False, elem_id="txt2img_hr") as accordion:
        with gr.Row():
            form.switch("hires", accordion, elem_id="txt2img_hr-checkbox")
            size = gr.HTML(elem_id="txtimg_hr_finalres", elem_classes=["quiet"])
        for number, row in enumerate(_HIRES, 1):
            with gr.Row(elem_id=f"txt2img_hires_fix_row{number}"):
                for name in row:
                    ids = {"elem_id": _IDS[name]} if name in _IDS else {}
                    form.add(f"hires.{name}", min_width=140, **ids)
    return size


def _tell_hires_size(form: Form[GenerationRequest], told: gr.HTML) -> None:
    fields = {path.replace(".", "__"): form.components[path] for path in (*SIDES, *_HIRES_SIZE)}

    def tell(width: Any, height: Any, **values: Any) -> str:
        try:
            hires = Hires.model_validate({name.removeprefix("hires__"): value for name, value in values.items()})
            size = hires_size(int(width), int(height), hires)
        except (RequestError, ValidationError, ValueError, TypeError):
            return ""
        return markup.enlarged((int(width), int(height)), size.kept())

    switch = form.components["hires"]
    for component in (switch, *fields.values()):
        component.change(tell, inputs_kwargs=fields, outputs=[told], trigger_mode="always_last", **QUIET)


class Txt2img(Generation):
    kind = "txt2img"

    def __init__(
        self,
        services: Services,
        quick: QuickSettings,
        form: Form[GenerationRequest],
        parts: Parts,
        overrides: gr.Dropdown,
        chips: gr.Dataset,
    ) -> None:
        super().__init__(services, quick, form, parts, overrides)
        self.chips = chips

    def bind(self, tools: Tools) -> None:
        super().bind(tools)
        outputs = self.outputs()
        self.quick.refresh.click(self.refresh, [self.quick.dropdown], outputs, **QUIET)
        asked: dict[str, Any] = self.form.inputs() | {"job_id": self.parts.job_id, "selected": self.parts.selected}
        self.parts.keep_looking(
            self.parts.tools["upscale"].click(self.upscale, inputs_kwargs=asked, outputs=outputs, **QUIET)
        )
        self.chips.click(self.take_example, [self.chips], [self.form.components["prompt"]], **QUIET)

    def bind_choice(self) -> list[Any]:
        """The events after which a checkpoint is being loaded."""
        inputs, outputs = [self.quick.dropdown, *self.watched()], self.outputs()
        chosen = [
            self.quick.dropdown.input(self.choose, inputs, outputs, **QUIET),
            self.quick.pick.click(self.choose, inputs, outputs, js=_PICKED, **QUIET),
        ]
        self.parts.keep_looking(*chosen)
        return chosen

    def outputs(self) -> list[Any]:
        return [*super().outputs(), self.chips]

    def usable(self, request: GenerationRequest) -> tuple[GenerationRequest, list[str]]:
        if request.init is None:
            return request, []
        return request.model_copy(update={"init": None}), [_FROM_A_PICTURE]

    def attach(self, job_id: str, draft: str) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = self.services.checkpoint(catalog)
        return self._checkpoint(catalog, chosen) | self._native_size(chosen) | super().attach(job_id, draft)

    def choose(self, title: str, job_id: str, shown: dict[str, Any] | None) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = catalog.find(title or "")
        updates = self._checkpoint(catalog, chosen) | self._native_size(chosen) | {self.parts.log: ""}
        if chosen is None or chosen.problem:
            return updates
        try:
            self.services.settings.change(sd_model_checkpoint=chosen.title)
        except OSError as error:
            path = self.services.settings.path
            updates[self.parts.log] = markup.messages([f"The choice is not kept, {path} cannot be written: {error}"])
        load = self.services.jobs.submit(LoadRequest(model=chosen.title), self.services.settings.current)
        shown = shown if isinstance(shown, dict) else {}
        return updates if busy(self._job(job_id)) else updates | self.parts.changes(load, self.services.jobs, shown)

    def upscale(self, job_id: Any, selected: Any, **values: Any) -> Updates:
        """Draw the selected picture once more, with the hires. fix of the form; it comes beside what is shown."""
        job, image = self._job(job_id), results.picture(self.services, job_id, selected)
        if job is None or busy(job):
            return {self.parts.log: markup.messages([_NOT_NOW if job else _NO_PICTURE])}
        if not isinstance(image, ImageSaved) or image.kind != "image" or image.request.init:
            return {self.parts.log: markup.messages([_NO_PICTURE])}
        stage = {name: value for name, value in values.items() if name.startswith("hires__")}
        try:
            hires = self.form.read(stage | {"hires": True}).hires
        except RequestError as error:
            return {self.parts.log: markup.messages([], str(error))}
        request = image.request.model_copy(update={"hires": hires})
        jobs = self.services.jobs
        larger = jobs.submit(request, self.services.settings.current, earlier=job.view().gallery)
        follow = self.parts.follow(larger, jobs)
        return {part: update for part, update in follow.items() if part not in self.parts.pictures()}

    def refresh(self, title: str) -> Updates:
        catalog = self.services.jobs.fresh_catalog()
        chosen = catalog.find(title or "") or self.services.checkpoint(catalog)
        return self._checkpoint(catalog, chosen)

    def take_example(self, row: list[str]) -> str:
        return row[0]

    def _checkpoint(self, catalog: Catalog, chosen: checkpoints.Checkpoint | None) -> Updates:
        rows = checkpoints.examples(chosen)
        return super()._checkpoint(catalog, chosen) | {self.chips: gr.Dataset(samples=[*rows], visible=bool(rows))}

    def _native_size(self, chosen: checkpoints.Checkpoint | None) -> Updates:
        if chosen is None:
            return {}
        return {self.form.components[side]: getattr(chosen, side) for side in SIDES}
