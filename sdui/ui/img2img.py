"""The img2img tab: pictures made from a picture, wholly or where a mask says so."""

from __future__ import annotations

from typing import Any, Literal

import gradio as gr

from sdui.core import infotext
from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.params import declared
from sdui.core.request import GenerationRequest
from sdui.core.stages import SoftInpainting
from sdui.imaging.pixels import opened

from . import checkpoints, generation, markup, results, scripts
from .checkpoints import QuickSettings, tool
from .following import Parts
from .form import Form, Updates
from .generation import Generation, Tools
from .init_pictures import InitPictures
from .interrogating import Interrogation
from .results import QUIET, Memory
from .seeds import SeedRow
from .services import Services
from .sizes import SIDES

_INPAINT = "init.inpaint"
_SOFT = f"{_INPAINT}.soft"
_SENT = ("prompt", "negative_prompt", "steps", "sampler", "schedule", "cfg_scale")
"""What goes along with a picture from another tab, as in A1111."""
_HIRES = "Hires. fix is for pictures from noise alone and was left out."
_PICTURE = "The picture that it was made from is not in its text; choose it."
_MASKED = "Neither the picture that it was made from nor the mask is in its text; choose them."


def build(services: Services, catalog: Catalog, quick: QuickSettings, memory: Memory) -> Img2img:
    """memory: made outside of the tabs."""
    form = Form(services.requests, catalog, "img2img")
    form.adopt("model", quick.dropdown)
    top = generation.top(services, form, "img2img")
    interrogation = Interrogation(services, top)
    chosen = checkpoints.current(services, catalog)
    with gr.Row(elem_classes=["workbench"]):
        with generation.controls("img2img"):
            pictures = InitPictures(lambda: _inpainting(form))
            form.add("init.resize_mode", elem_id="resize_mode")
            generation.sampling(form, "img2img")
            generation.refiner(form, "img2img")
            with generation.size_and_batch(form, "img2img", generation.native_size(chosen)):
                detect = tool("Take the size of the picture", "img2img_detect_image_size_btn")
            form.add("cfg_scale")
            form.add("init.denoising_strength")
            seeds = SeedRow(form, "img2img")
            overrides = generation.override_box("img2img")
            scripts.build(form, services.requests, "img2img")
        parts = results.build(services, "img2img", top.buttons, memory)
    interrogation.bind(pictures, form.components["prompt"], parts.log)
    tab = Img2img(services, quick, form, parts, overrides, pictures)
    tab.bind(top.tools | {"detect": detect})
    tab.take_files(top.dropped)
    seeds.bind(services, parts)
    return tab


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
    ) -> None:
        super().__init__(services, quick, form, parts, overrides)
        self.pictures = pictures

    def bind(self, tools: Tools) -> None:
        super().bind(tools)
        sides = [self.form.components[side] for side in SIDES]
        inputs = [self.pictures.mode, self.pictures.image, self.pictures.base]
        tools["detect"].click(self.take_size, inputs, [*sides, self.parts.log], **QUIET)

    def inputs(self) -> dict[str, Any]:
        return super().inputs() | self.pictures.inputs()

    def outputs(self) -> list[Any]:
        return [*super().outputs(), *self.pictures.outputs()]

    def read(self, values: dict[str, Any]) -> GenerationRequest:
        chosen = {name: values.get(name) for name in self.pictures.inputs()}
        given = self.pictures.read(**chosen)
        values = {name: value for name, value in values.items() if name not in chosen}
        if given.mask is None:
            off = _INPAINT.replace(".", "__")
            values = {name: value for name, value in values.items() if not name.startswith(off)}
        else:
            values |= {"init__inpaint__mask": given.mask}
        return super().read(values | {"init__image": given.image})

    def usable(self, request: GenerationRequest) -> tuple[GenerationRequest, list[str]]:
        if request.hires:
            return request.model_copy(update={"hires": None}), [_HIRES]
        if request.init is None:
            return request, []
        return request, [_MASKED if request.init.inpaint else _PICTURE]

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

    def take_size(self, mode: Any, image: Any, base: Any) -> Updates:
        """Of the picture as it is seen, upright."""
        try:
            return self._size_of(self.pictures.read_image(mode, image, base))
        except RequestError as error:
            return {self.parts.log: markup.messages([], str(error))}

    def _size_of(self, picture: bytes) -> Updates:
        sides = zip(SIDES, opened(picture, "Image").size, strict=True)
        return {self.form.components[side]: max(8, pixels // 8 * 8) for side, pixels in sides}

    def _fill(self, request: GenerationRequest, keep: tuple[str, ...]) -> tuple[Updates, list[str]]:
        updates, unknown = super()._fill(request, keep)
        return updates | (self.pictures.shows(request.init) if request.init else {}), unknown
