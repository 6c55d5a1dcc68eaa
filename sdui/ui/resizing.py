"""The size of what img2img draws: sides, or a share of the picture's own; the tab that is open counts."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.picture_batch import ResizeBy
from sdui.core.request import GenerationRequest

from . import generation
from .checkpoints import tool
from .form import Form, Updates
from .init_pictures import InitPictures
from .modules import imported

_TO, _BY = "to", "by"
_PREVIEW = f"(...given) => {imported('resize_by')}.then(module => module.preview(...given))"


class Resizing:
    def __init__(self, form: Form[GenerationRequest], catalog: Catalog, size: tuple[int, int]) -> None:
        """`form` gets the sides."""
        self._form: Form[ResizeBy] = Form(ResizeBy, catalog, "img2img")
        self.way = gr.Textbox(_TO, visible="hidden", elem_id="img2img_resize_way")
        with gr.Tabs(elem_id="img2img_tabs_resize", overflow_behavior="wrap") as self._tabs:
            with gr.Tab("Resize to", id=_TO, elem_id="img2img_tab_resize_to") as to, gr.Row():
                beside = generation.size_alone(form, "img2img", size)
            with beside:
                self.detect = tool("Take the size of the picture", "img2img_detect_image_size_btn")
            with gr.Tab("Resize by", id=_BY, elem_id="img2img_tab_resize_by") as self._by:
                self.scale = self._form.add("scale")
                self._preview = gr.HTML(elem_id="img2img_scale_resolution_preview", elem_classes=["hint"])
        for tab, way in ((to, _TO), (self._by, _BY)):
            tab.select(fn=None, js=f"() => '{way}'", outputs=[self.way])

    def bind(self, pictures: InitPictures) -> None:
        """The page itself says what becomes of the picture that is open."""
        inputs = [self.scale, pictures.mode, *pictures.files()]
        watched = [self.scale.change, self._by.select, pictures.mode.change]
        for event in (*watched, *(file.change for file in pictures.files())):
            event(fn=None, js=_PREVIEW, inputs=inputs, outputs=[self._preview])

    def inputs(self) -> dict[str, Any]:
        """For `read`, by name."""
        return {"resize_way": self.way, "resize_scale": self.scale}

    def outputs(self) -> list[Any]:
        return [self.way, self._tabs, self.scale]

    def read(self, resize_way: Any, resize_scale: Any) -> ResizeBy | None:
        """None: sides are given. Raises RequestError."""
        return self._form.read({"scale": resize_scale}) if resize_way == _BY else None

    def shows_sides(self) -> Updates:
        return {self.way: _TO, self._tabs: gr.Tabs(selected=_TO)}

    def shows(self, resize: ResizeBy) -> Updates:
        return self._form.fill(resize)[0] | {self.way: _BY, self._tabs: gr.Tabs(selected=_BY)}
