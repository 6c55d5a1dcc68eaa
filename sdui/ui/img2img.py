"""The img2img tab: pictures made from a picture, wholly or where a mask says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import gradio as gr

from sdui.core import infotext
from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.params import declared
from sdui.core.request import BatchRequest, GenerationRequest, Task
from sdui.core.stages import SoftInpainting
from sdui.imaging.pixels import opened
from sdui.jobs.job import Job
from sdui.services import Services

from . import checkpoints, generation, markup, results, scripts, sections
from .checkpoints import QuickSettings
from .following import Parts
from .form import Form, Updates
from .generation import Generation, Tools, waiting
from .init_pictures import BATCH, INPAINT, INPAINT_SKETCH, MODES, SKETCH, InitPictures
from .interrogating import Interrogation
from .resizing import Resizing
from .results import QUIET, Memory, is_local
from .seeds import SeedRow
from .sizes import SIDES

_INPAINT = "init.inpaint"
_SOFT = f"{_INPAINT}.soft"
_SENT = ("prompt", "negative_prompt", "steps", "sampler", "schedule", "cfg_scale")
"""What goes along with a picture from another tab, as in A1111."""
_BLUR = 64
_HIRES = "Hires. fix is for pictures from noise alone and was left out."
_PICTURE = "The picture that it was made from is not in its text; choose it."
_MASKED = "Neither the picture that it was made from nor the mask is in its text; choose them."
_PRESS = "mode => document.getElementById('img2img_{asking}_' + mode).click()"
_WAIT = f"""mode => {[SKETCH, INPAINT, INPAINT_SKETCH]}.includes(mode)
  ? [{json.dumps(markup.waiting("Reading what was painted"))}, {{__type__: "update", interactive: false}}]
  : ["", {{__type__: "update"}}]"""
_LET_GO = "() => ['', {__type__: 'update', interactive: true}]"


def build(services: Services, catalog: Catalog, quick: QuickSettings, memory: Memory) -> Img2img:
    """memory: made outside of the tabs."""
    form = Form(services.requests, catalog, "img2img", defaults=services.defaults)
    form.adopt("model", quick.dropdown)
    top = generation.top(services, form, "img2img")
    interrogation = Interrogation(services, top)
    chosen = services.checkpoint(catalog)
    with gr.Row(elem_classes=["workbench"]):
        with generation.controls("img2img"):
            pictures = InitPictures(catalog, lambda: _inpainting(form))
            form.add("init.resize_mode", elem_id="resize_mode")
            made = sections.build(
                services,
                {
                    "sampler": lambda: generation.sampling(form, "img2img"),
                    "accordions": lambda: _accordions(form),
                    "dimensions": lambda: _dimensions(form, catalog, generation.native_size(chosen)),
                    "cfg": lambda: _guidance(form, edits=_edits(chosen)),
                    "denoising": lambda: form.add("init.denoising_strength"),
                    "seed": lambda: SeedRow(form, "img2img"),
                    "override_settings": lambda: generation.override_box("img2img"),
                    "scripts": lambda: scripts.build(form, services.requests, "img2img"),
                },
            )
        parts = results.build(services, "img2img", top.buttons, memory)
    resizing: Resizing = made["dimensions"]
    pictures.bind(parts.log)
    resizing.bind(pictures)
    interrogation.bind(pictures, form.components["prompt"], parts.log)
    tab = Img2img(services, quick, form, parts, made["override_settings"], pictures, resizing)
    tab.bind(top.tools | {"detect": resizing.detect})
    tab.take_files(top.dropped)
    made["seed"].bind(services, parts)
    return tab


def _accordions(form: Form[GenerationRequest]) -> None:
    with gr.Column(elem_id="img2img_accordions", elem_classes=["accordions"]):
        generation.refiner(form, "img2img")


def _dimensions(form: Form[GenerationRequest], catalog: Catalog, size: tuple[int, int]) -> Resizing:
    with gr.Row():
        with gr.Column(scale=4, min_width=240):
            resizing = Resizing(form, catalog, size)
        generation.batch(form, "img2img")
    return resizing


def _guidance(form: Form[GenerationRequest], *, edits: bool) -> None:
    form.add("cfg_scale")
    form.add("image_cfg_scale", visible=edits)


def _inpainting(form: Form[GenerationRequest]) -> None:
    form.add(f"{_INPAINT}.mask_blur")
    for name in ("mask_mode", "fill"):
        form.add(f"{_INPAINT}.{name}")
    with gr.Row():
        form.add(f"{_INPAINT}.area", min_width=140)
        form.add(f"{_INPAINT}.padding", min_width=140)
    with gr.Accordion("Soft inpainting", open=False) as accordion:
        form.switch(_SOFT, accordion)
        for d in declared(SoftInpainting, f"{_SOFT}."):
            form.add(d.path)


def _edits(chosen: checkpoints.Checkpoint | None) -> bool:
    return chosen is not None and chosen.edits


class Img2img(Generation):
    kind = "img2img"

    def __init__(
        self,
        services: Services,
        quick: QuickSettings,
        form: Form[GenerationRequest],
        parts: Parts,
        overrides: gr.Dropdown,
        pictures: InitPictures,
        resizing: Resizing,
    ) -> None:
        super().__init__(services, quick, form, parts, overrides)
        self.pictures, self.resizing = pictures, resizing
        self._asking = {
            (asking, mode): gr.Button(mode, visible="hidden", elem_id=f"img2img_{asking}_{mode}")
            for asking in ("generate", "enqueue")
            for mode in MODES
        }
        """One for each inner tab, so that only that one's canvas is read, which is slow."""

    def bind(self, tools: Tools) -> None:
        super().bind(tools)
        sides = [self.form.components[side] for side in SIDES]
        inputs = [self.pictures.mode, *self.pictures.files()]
        tools["detect"].click(self.take_size, inputs, [*sides, self.parts.log], **QUIET)
        follow = [self.form.components["image_cfg_scale"]]
        self.quick.dropdown.change(self.follow_checkpoint, [self.quick.dropdown], follow, **QUIET)

    def bind_asking(self, enqueue: gr.Button) -> list[Any]:
        mode, told = self.pictures.mode, [self.parts.progress, self.parts.generate]
        self.parts.generate.click(fn=None, js=_PRESS.format(asking="generate"), inputs=[mode])
        self.parts.generate.click(fn=None, js=_WAIT, inputs=[mode], outputs=told)
        enqueue.click(fn=None, js=_PRESS.format(asking="enqueue"), inputs=[mode])
        events: list[Any] = []
        for name in MODES:
            start, inputs = self.starter(name), self.inputs_of(name)
            asked = self._asking["generate", name].click(start, inputs_kwargs=inputs, outputs=self.outputs(), **QUIET)
            asked.failure(fn=None, js=_LET_GO, outputs=told)
            events.append(asked)
            further = self._asking["enqueue", name]
            further.click(self.enqueuer(name), inputs_kwargs=waiting(inputs), outputs=self.enqueued(), **QUIET)
        return events

    def inputs_of(self, mode: str) -> dict[str, Any]:
        """What `submit` is handed from this inner tab, by name."""
        return super().inputs() | self.resizing.inputs() | self.pictures.inputs(mode)

    def outputs(self) -> list[Any]:
        return [*super().outputs(), *self.pictures.outputs(), *self.resizing.outputs()]

    def starter(self, mode: str) -> Callable[..., Updates]:
        def start(request: gr.Request, job_id: Any, overrides: Any, place: Any = None, **values: Any) -> Updates:
            given = values | {"mode": mode, "local": is_local(request)}
            free: Updates = {self.parts.progress: "", self.parts.generate: gr.update(interactive=True)}
            return free | self.submit(job_id, overrides, place, request, **given)

        return start

    def enqueuer(self, mode: str) -> Callable[..., Updates]:
        def further(request: gr.Request, overrides: Any, place: Any = None, **values: Any) -> Updates:
            return self.enqueue(overrides, place, request, **values, mode=mode, local=is_local(request))

        return further

    def read(self, values: dict[str, Any]) -> GenerationRequest:
        mode, mine, values = self._told_apart(values)
        resize = self.resizing.read(**{name: mine.pop(name) for name in self.resizing.inputs()})
        if mode == BATCH:
            image, mask = b"", b"" if mine.get("mask_dir") else None
        else:
            image, mask = self.pictures.read(mode, **mine, blur=_blur(values))
        if mask is None:
            off = _INPAINT.replace(".", "__")
            values = {name: value for name, value in values.items() if not name.startswith(off)}
        else:
            values |= {"init__inpaint__mask": mask}
        if resize and mode != BATCH:
            values |= dict(zip(SIDES, resize.sides(*opened(image, "Image").size), strict=True))
        return super().read(values | {"init__image": image})

    def task(self, request: GenerationRequest, values: dict[str, Any]) -> Task:
        if values["mode"] != BATCH:
            return request
        batch = self.pictures.batch
        source = batch.read({name: values[name] for name in batch.inputs()}, local=values["local"])
        resize = self.resizing.read(**{name: values[name] for name in self.resizing.inputs()})
        return BatchRequest(request=request, source=source, resize=resize)

    def _told_apart(self, values: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The inner tab, what it and the size hold, and what the form does."""
        mode = values["mode"]
        mine = self.inputs_of(mode).keys() - super().inputs().keys()
        form = {name: value for name, value in values.items() if name not in (*mine, "mode", "local")}
        return mode, {name: values.get(name) for name in mine}, form

    def usable(self, request: GenerationRequest) -> tuple[GenerationRequest, list[str]]:
        if request.hires:
            return request.model_copy(update={"hires": None}), [_HIRES]
        if request.init is None:
            return request, []
        return request, [_MASKED if request.init.inpaint else _PICTURE]

    def attach(self, job_id: str, draft: str) -> Updates:
        chosen = self.services.checkpoint(self.services.jobs.catalog())
        updates = super().attach(job_id, draft) | self._image_cfg_scale(chosen)
        job = self._job(job_id) or self._running()
        return updates | (self._of_a_batch(job) if job else {})

    def edit(self, job: Job, place: int) -> Updates:
        return super().edit(job, place) | self._of_a_batch(job)

    def _of_a_batch(self, job: Job) -> Updates:
        if not isinstance(job.task, BatchRequest):
            return {}
        resize = job.task.resize
        return self.pictures.shows_batch(job.task.source) | (self.resizing.shows(resize) if resize else {})

    def take_picture(self, mode: Literal["img2img", "inpaint"], picture: bytes, text: str = "") -> Updates:
        """Start from this picture, in the inner tab of that mode, with the prompts and parameters of its infotext.

        Seed and size go along where the user wants that. Raises RequestError for what is no picture.
        """
        preferences = self.services.settings.current
        size = self._size_of(picture)
        updates: Updates = size if preferences.send_size else {}
        if text:
            taken = (*_SENT, *(["seed"] if preferences.send_seed else []))
            keep = tuple(path for path in self.form.components if path not in taken)
            updates |= self.form.fill(infotext.read(text, self.services.requests), keep)[0]
        return updates | self.pictures.takes(mode, picture) | {self.parts.log: ""}

    def take_recipe(self, mode: Literal["img2img", "inpaint"], picture: bytes, text: str) -> Updates:
        """Start from this picture, if there is one, with all that the infotext says; without a text, with its size.

        Raises RequestError for what is no picture.
        """
        updates = self.show_infotext(text) if text else self._size_of(picture) | {self.parts.log: ""}
        return updates | (self.pictures.takes(mode, picture) if picture else {})

    def follow_checkpoint(self, title: Any) -> Updates:
        found = self.services.jobs.catalog().find(title) if isinstance(title, str) else None
        return self._image_cfg_scale(found)

    def take_size(self, mode: Any, *files: Any) -> Updates:
        """Of the picture as it is seen, upright."""
        try:
            return self._size_of(self.pictures.read_image(mode, *files))
        except RequestError as error:
            return {self.parts.log: markup.messages([], str(error))}

    def _size_of(self, picture: bytes) -> Updates:
        sides = zip(SIDES, opened(picture, "Image").size, strict=True)
        return {self.form.components[side]: max(8, pixels // 8 * 8) for side, pixels in sides}

    def _image_cfg_scale(self, chosen: checkpoints.Checkpoint | None) -> Updates:
        return {self.form.components["image_cfg_scale"]: gr.update(visible=_edits(chosen))}

    def _fill(self, request: GenerationRequest, keep: tuple[str, ...]) -> tuple[Updates, list[str]]:
        updates, unknown = super()._fill(request, keep)
        pictures = self.pictures.shows(request.init) if request.init else {}
        return updates | pictures | self.resizing.shows_sides(), unknown


def _blur(values: dict[str, Any]) -> int:
    """For sketches; the form says what is wrong with it."""
    blur = values.get("init__inpaint__mask_blur")
    return int(blur) if isinstance(blur, int | float) and 0 <= blur <= _BLUR else 0
