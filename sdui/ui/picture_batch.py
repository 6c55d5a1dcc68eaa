"""The Batch tab of img2img: which pictures, where to, and what of their texts counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.extras import Given
from sdui.core.picture_batch import PNG_INFO, PictureSource

from .components import uploaded
from .form import Form, Updates

_UPLOAD, _FOLDER = "upload", "from dir"
_ONLY_LOCAL = "{label}: only a browser on the server's own machine may choose folders; hand the pictures over."
_ABOUT_FOLDERS = "Of the computer that the server runs on. Files that are no pictures are named and left out."


class PictureBatch:
    def __init__(self, catalog: Catalog) -> None:
        self.form = Form(PictureSource, catalog, "img2img")
        add = self.form.add
        self.way = gr.Textbox(_UPLOAD, visible="hidden", elem_id="img2img_batch_source_type")
        with gr.Tabs(elem_id="img2img_batch_source", overflow_behavior="wrap") as self._tabs:
            with gr.Tab("Upload", id=_UPLOAD, elem_id="img2img_batch_upload_tab") as upload:
                self.files = gr.File(label="Files", file_count="multiple", elem_id="img2img_batch_upload", height=180)
            with gr.Tab("From directory", id=_FOLDER, elem_id="img2img_batch_from_dir_tab") as folder:
                gr.HTML(_ABOUT_FOLDERS, elem_classes=["hint"])
                for path in ("input_dir", "output_dir", "mask_dir"):
                    add(path)
        for tab, way in ((upload, _UPLOAD), (folder, _FOLDER)):
            tab.select(fn=None, js=f"() => '{way}'", outputs=[self.way])
        with gr.Accordion("PNG info", open=False) as self._texts:
            add("use_png_info")
            add("png_info_dir", placeholder="Leave empty to use input directory")
            props = self.form.param("png_info_props")
            self.form.adopt(
                "png_info_props",
                gr.CheckboxGroup([*PNG_INFO], label=props.label, info=props.help, elem_id=f"img2img_{props.elem_id}"),
            )

    @property
    def masks(self) -> Any:
        """Filled in where the pictures have masks."""
        return self.form.components["mask_dir"]

    def inputs(self) -> dict[str, Any]:
        """For `read`, by name."""
        return self.form.inputs() | {"batch_way": self.way, "batch_files": self.files}

    def outputs(self) -> list[Any]:
        return [*self.form.outputs(), self.way, self._tabs, self._texts]

    def read(self, values: dict[str, Any], *, local: bool) -> PictureSource:
        """local: whether the browser may choose folders. Raises RequestError."""
        values = dict(values)
        way, files = values.pop("batch_way"), values.pop("batch_files")
        asked = self.form.read(values)
        if way == _FOLDER:
            if not asked.input_dir.strip():
                raise RequestError("Input directory: it is empty.")
        else:
            given = tuple(Given(data=uploaded(path, "Batch"), name=Path(path).name) for path in files or ())
            if not given:
                raise RequestError("Batch: choose files first.")
            nowhere = {"input_dir": "", "output_dir": "", "mask_dir": ""}
            asked = asked.model_copy(update={"pictures": given} | nowhere)
        if not asked.use_png_info:
            asked = asked.model_copy(update={"png_info_dir": ""})
        if asked.folders and not local:
            label = self.form.param("input_dir" if asked.input_dir else "png_info_dir").label
            raise RequestError(_ONLY_LOCAL.format(label=label))
        return asked

    def shows(self, source: PictureSource) -> Updates:
        """Files that were handed over have gone when their job has ended, so the page keeps what it has of them."""
        way = _FOLDER if source.input_dir else _UPLOAD
        open_ = gr.update(open=source.use_png_info)
        return self.form.fill(source)[0] | {self.way: way, self._tabs: gr.Tabs(selected=way), self._texts: open_}
