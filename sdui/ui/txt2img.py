"""The txt2img tab: pictures from noise alone. As the first tab it has the checkpoint's examples and native size."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.request import GenerationRequest, LoadRequest

from . import checkpoints, generation, markup, results, scripts
from .checkpoints import QuickSettings
from .following import Parts, busy
from .form import Form, Updates
from .generation import SIDES, Generation, Tools
from .results import QUIET, Memory
from .services import Services

_HIRES = (
    ("upscaler", "steps", "denoising_strength"),
    ("scale", "resize_x", "resize_y"),
    ("model", "sampler", "schedule"),
    ("prompt", "negative_prompt"),
)
"""Rows of the accordion, as A1111 has them."""
_FROM_A_PICTURE = (
    "The picture was made from another picture, which its text does not hold and this tab cannot take; "
    "everything else is filled in."
)


def build(services: Services, catalog: Catalog, quick: QuickSettings, memory: Memory) -> Txt2img:
    form = Form(services.requests, catalog, "txt2img")
    form.adopt("model", quick.dropdown)
    chosen = checkpoints.current(services, catalog)
    top = generation.top(form, "txt2img")
    rows = checkpoints.examples(chosen)
    chips = gr.Dataset(
        components=["textbox"], samples=[*rows], label="Examples", elem_id="txt2img_examples", visible=bool(rows)
    )

    with gr.Row(elem_classes=["workbench"]):
        with generation.controls(services, "txt2img"):
            generation.sampling(form, "txt2img")
            tools, _ = generation.size_and_batch(form, "txt2img", generation.native_size(chosen))
            form.add("cfg_scale")
            tools |= generation.seed(form, "txt2img")
            _hires(form)
            overrides = generation.override_box("txt2img")
            scripts.build(form, services.requests, "txt2img")
        parts = results.build(services, "txt2img", top.buttons, memory)
    tab = Txt2img(services, quick, form, parts, overrides, chips)
    tab.bind(top.tools | tools)
    return tab


def _hires(form: Form[GenerationRequest]) -> None:
    with gr.Accordion("Hires. fix", open=False, elem_id="txt2img_hr") as accordion:
        form.switch("hires", accordion, elem_id="txt2img_hr-checkbox")
        for row in _HIRES:
            with gr.Row():
                for name in row:
                    form.add(f"hires.{name}", min_width=140)


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
        self.chips.click(self.take_example, [self.chips], [self.form.components["prompt"]], **QUIET)

    def bind_choice(self) -> Any:
        """The event after which a checkpoint is being loaded."""
        inputs = [self.quick.dropdown, *self.watched()]
        chosen = self.quick.dropdown.input(self.choose, inputs, self.outputs(), **QUIET)
        self.parts.keep_looking(chosen)
        return chosen

    def outputs(self) -> list[Any]:
        return [*super().outputs(), self.chips]

    def usable(self, request: GenerationRequest) -> tuple[GenerationRequest, list[str]]:
        if request.init is None:
            return request, []
        return request.model_copy(update={"init": None}), [_FROM_A_PICTURE]

    def attach(self, job_id: str, asked: str) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = checkpoints.current(self.services, catalog)
        return self._checkpoint(catalog, chosen) | self._native_size(chosen) | super().attach(job_id, asked)

    def choose(self, title: str, job_id: str, shown: dict[str, Any] | None) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = checkpoints.find(catalog, title or "")
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

    def refresh(self, title: str) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = checkpoints.find(catalog, title or "") or checkpoints.current(self.services, catalog)
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
