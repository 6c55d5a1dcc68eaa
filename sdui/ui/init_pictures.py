"""The ways to hand img2img its picture, each an inner tab; the one that is open counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.picture_batch import PictureSource
from sdui.core.stages import InitImage
from sdui.imaging.pixels import opened
from sdui.imaging.strokes import painted, png, seen_through, stroke_mask

from . import markup
from .canvas import Canvas, content, picture_box, strokes_of
from .components import OpenSlider
from .form import Updates
from .picture_batch import PictureBatch
from .results import QUIET

WHOLE, SKETCH, INPAINT, INPAINT_SKETCH, UPLOAD, BATCH = MODES = (
    "img2img",
    "sketch",
    "inpaint",
    "inpaint_sketch",
    "inpaint_upload",
    "batch",
)
_COPIED = {WHOLE: "img2img", SKETCH: "sketch", INPAINT: "inpaint", INPAINT_SKETCH: "inpaint sketch"}
_MASKED = (INPAINT, INPAINT_SKETCH, UPLOAD)
_SKETCHES = (SKETCH, INPAINT_SKETCH)
_WITH_MASK = f"""(mode, masks) => ({{
  __type__: "update",
  visible: mode === "{BATCH}" ? Boolean(masks) : {[*_MASKED]}.includes(mode),
}})"""
_NOTHING_PAINTED = "Mask: paint over what is to be drawn anew."
_OF_A_BATCH = "Image: this is about one picture; open the tab that has it."
_COLOURS = ["#000000", "#ffffff", "#e03131", "#f08c00", "#ffd43b", "#2f9e44", "#1971c2", "#6741d9", "#e64980"]


class Given(NamedTuple):
    """Encoded pictures."""

    image: bytes
    mask: bytes | None
    """None: the whole picture is drawn anew."""


class InitPictures:
    """The components, and what they stand for."""

    def __init__(self, catalog: Catalog, controls: Callable[[], None]) -> None:
        """`controls` makes those that only count with a mask."""
        self.mode = gr.Textbox(WHOLE, visible="hidden", elem_id="img2img_mode")
        self._copies: dict[tuple[str, str], gr.Button] = {}
        self.canvases: dict[str, Canvas] = {}
        tabs: dict[str, gr.Tab] = {}
        with gr.Tabs(elem_id="mode_img2img", overflow_behavior="wrap") as self._tabs:
            with gr.Tab("img2img", id=WHOLE, elem_id="img2img_img2img_tab") as tabs[WHOLE]:
                self.image = picture_box("Image for img2img", "img2img_image", 320)
                self._copy_row(WHOLE)
            for mode, title, label, elem_id in (
                (SKETCH, "Sketch", "Image for img2img", "img2img_sketch"),
                (INPAINT, "Inpaint", "Image for inpainting with mask", "img2maskimg"),
                (INPAINT_SKETCH, "Inpaint sketch", "Color sketch inpainting", "inpaint_sketch"),
            ):
                with gr.Tab(title, id=mode, elem_id=f"img2img_{_tab_id(mode)}_tab") as tabs[mode]:
                    self.canvases[mode] = Canvas(label, elem_id, _brush(mode))
                    self._copy_row(mode)
            with gr.Tab("Inpaint upload", id=UPLOAD, elem_id="img2img_inpaint_upload_tab") as tabs[UPLOAD], gr.Row():
                self.base = picture_box("Image for img2img", "img_inpaint_base", 240, min_width=150)
                self.mask = picture_box("Mask", "img_inpaint_mask", 240, min_width=150)
            with gr.Tab("Batch", id=BATCH, elem_id="img2img_batch_tab") as tabs[BATCH]:
                self.batch = PictureBatch(catalog)
        with gr.Column(visible=False, elem_id="inpaint_controls") as self._controls:
            self.transparency = OpenSlider(
                0, 100, 0, step=1, label="Mask transparency", elem_id="img2img_mask_alpha", visible=False, buttons=[]
            )
            controls()
        self._follow(tabs, self.batch.masks)

    def _copy_row(self, source: str) -> None:
        with gr.Row(elem_id=f"img2img_copy_to_{source}", elem_classes=["copy-to"]):
            gr.HTML("Copy image to:", elem_id=f"img2img_label_copy_to_{source}")
            for target, title in _COPIED.items():
                self._copies[source, target] = gr.Button(
                    title, size="sm", min_width=0, scale=0, interactive=target != source
                )

    def _follow(self, tabs: dict[str, gr.Tab], masks: Any) -> None:
        """What is seen follows the inner tab."""
        seen = [self.mode, self._controls, self.transparency]
        for mode, tab in tabs.items():
            with_mask = "Boolean(masks)" if mode == BATCH else str(mode in _MASKED).lower()
            fading = str(mode == INPAINT_SKETCH).lower()
            tab.select(
                fn=None,
                js=f"masks => ['{mode}', ...[{with_mask}, {fading}].map(v => ({{__type__: 'update', visible: v}}))]",
                inputs=[masks],
                outputs=seen,
            )
        masks.change(fn=None, js=_WITH_MASK, inputs=[self.mode, masks], outputs=[self._controls])

    def bind(self, log: gr.HTML) -> None:
        self._log = log
        for canvas in self.canvases.values():
            canvas.bind(log)
        outputs = [*self.outputs(), log]
        for (source, target), button in self._copies.items():
            if source != target:
                inputs = self.inputs(source) if source in _SKETCHES else {"picture": self._file(source)}
                button.click(self.copier(source, target), inputs_kwargs=inputs, outputs=outputs, **QUIET)

    def files(self) -> list[Any]:
        """The components that hold the pictures themselves, in the order of MODES; for `read_image`."""
        return [self.image, *(canvas.image for canvas in self.canvases.values()), self.base]

    def inputs(self, mode: str) -> dict[str, Any]:
        """For `read`, by name; a canvas is slow to read, so no other mode's."""
        match mode:
            case "sketch" | "inpaint" | "inpaint_sketch":
                canvas = self.canvases[mode]
                fading = {"transparency": self.transparency} if mode == INPAINT_SKETCH else {}
                return {"picture": canvas.image, "strokes": canvas.editor} | fading
            case "inpaint_upload":
                return {"picture": self.base, "mask": self.mask}
            case "img2img":
                return {"picture": self.image}
            case _:
                return self.batch.inputs()

    def outputs(self) -> list[Any]:
        editors = (canvas.editor for canvas in self.canvases.values())
        own = [self.mode, *self.files(), *editors, self.mask, self.transparency, self._tabs, self._controls]
        return [*own, *self.batch.outputs()]

    def read(
        self, mode: str, picture: Any, strokes: Any = None, mask: Any = None, transparency: Any = 0, blur: int = 0
    ) -> Given:
        """blur: of the mask, in pixels. Raises RequestError where one has not been chosen."""
        image = content(picture, "Image")
        if mode == UPLOAD:
            return Given(image, content(mask, "Mask"))
        layers = strokes_of(strokes)
        if mode == SKETCH:
            return Given(_sketched(image, layers), None)
        if mode == WHOLE:
            return Given(image, None)
        upright = opened(image, "Image")
        drawn = stroke_mask(layers, upright.size, "Mask")
        if drawn.getbbox() is None:
            raise RequestError(_NOTHING_PAINTED)
        if mode == INPAINT:
            return Given(image, png(drawn))
        mixed, faded = seen_through(upright, layers, _percent(transparency), blur, "Mask")
        return Given(png(mixed), png(faded))

    def read_image(self, mode: Any, *files: Any) -> bytes:
        """Without what was painted. Raises RequestError."""
        if mode == BATCH:
            raise RequestError(_OF_A_BATCH)
        chosen = dict(zip(MODES, files, strict=False))
        return content(chosen.get(mode, chosen[WHOLE]), "Image")

    def copier(self, source: str, target: str) -> Callable[..., Updates]:
        def copy(picture: Any = None, strokes: Any = None, transparency: Any = 0) -> Updates:
            try:
                image = content(picture, "Image")
                sketched = source in _SKETCHES and _sketched(image, strokes_of(strokes))
                taken = sketched if sketched and sketched != image else picture
                return self._filled(target, taken) | self.opens(target) | {self._log: ""}
            except RequestError as error:
                return {self._log: markup.messages([], str(error))}

        return copy

    def takes(self, mode: Literal["img2img", "inpaint"], picture: bytes) -> Updates:
        """A picture from elsewhere, in the tab where it is used so. Raises RequestError."""
        return self.opens(mode) | self._filled(mode, picture)

    def shows(self, init: InitImage) -> Updates:
        """The tab that has it open; a picture that is to be given stays what it was."""
        if not init.inpaint:
            return self.opens(WHOLE) | ({self.image: init.image} if init.image else {})
        if not init.inpaint.mask:
            return self.opens(INPAINT) | (self._filled(INPAINT, init.image) if init.image else {})
        return self.opens(UPLOAD) | {self.base: init.image, self.mask: init.inpaint.mask}

    def shows_batch(self, source: PictureSource) -> Updates:
        return self.batch.shows(source) | self.opens(BATCH, masked=bool(source.mask_dir))

    def opens(self, mode: str, *, masked: bool = False) -> Updates:
        """masked: a batch with masks."""
        return {
            self.mode: mode,
            self._tabs: gr.Tabs(selected=mode),
            self._controls: gr.update(visible=masked or mode in _MASKED),
            self.transparency: gr.update(visible=mode == INPAINT_SKETCH),
        }

    def _file(self, mode: str) -> Any:
        return self.canvases[mode].image if mode in self.canvases else self.image

    def _filled(self, mode: str, picture: str | bytes) -> Updates:
        """Raises RequestError."""
        return self.canvases[mode].shows(picture) if mode in self.canvases else {self.image: picture}


def _tab_id(mode: str) -> str:
    return "img2img_sketch" if mode == SKETCH else mode


def _brush(mode: str) -> gr.Brush:
    if mode == INPAINT:
        # The picture is seen through the mask, which is what is painted however thinly.
        return gr.Brush(colors=[("#ffffff", 0.7)], color_mode="fixed", default_size=30)
    return gr.Brush(colors=[*_COLOURS], default_color=_COLOURS[2], color_mode="defaults", default_size=20)


def _sketched(image: bytes, layers: Any) -> bytes:
    """The very file where nothing was painted."""
    upright = opened(image, "Image")
    if not layers or stroke_mask(layers, upright.size, "Image").getbbox() is None:
        return image
    return png(painted(upright, layers, "Image"))


def _percent(given: Any) -> float:
    """Raises RequestError."""
    if isinstance(given, int | float) and 0 <= given <= 100:
        return given
    raise RequestError(f"Mask transparency: a number from 0 to 100 is needed, not {str(given)[:200]}.")
