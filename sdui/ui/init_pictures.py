"""The ways to hand img2img its picture, each an inner tab; the one that is open counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.stages import InitImage

from .components import ImageFile, uploaded
from .form import Updates

_WHOLE, _MASKED = "img2img", "inpaint_upload"


class Given(NamedTuple):
    """Encoded pictures."""

    image: bytes
    mask: bytes | None
    """None: the whole picture is drawn anew."""


class InitPictures:
    """The components, and what they stand for."""

    def __init__(self, controls: Callable[[], None]) -> None:
        """`controls` makes those that only count with a mask."""
        self.mode = gr.Textbox(_WHOLE, visible="hidden", elem_id="img2img_mode")
        with gr.Tabs(elem_id="mode_img2img") as self._tabs:
            with gr.Tab("img2img", id=_WHOLE, elem_id="img2img_img2img_tab") as whole:
                self.image = _picture("Image for img2img", "img2img_image", 320)
            with gr.Tab("Inpaint upload", id=_MASKED, elem_id="img2img_inpaint_upload_tab") as masked, gr.Row():
                self.base = _picture("Image for img2img", "img_inpaint_base", 240, min_width=150)
                self.mask = _picture("Mask", "img_inpaint_mask", 240, min_width=150)
        with gr.Column(visible=False, elem_id="inpaint_controls") as self._controls:
            controls()
        for tab, name in ((whole, _WHOLE), (masked, _MASKED)):
            shown = str(name != _WHOLE).lower()
            chosen = f"() => ['{name}', {{__type__: 'update', visible: {shown}}}]"
            tab.select(fn=None, js=chosen, outputs=[self.mode, self._controls])

    def inputs(self) -> dict[str, Any]:
        """For `read`, by name."""
        return {"mode": self.mode, "image": self.image, "base": self.base, "mask": self.mask}

    def outputs(self) -> list[Any]:
        return [*self.inputs().values(), self._tabs, self._controls]

    def read(self, mode: Any, image: Any, base: Any, mask: Any) -> Given:
        """Raises RequestError where one has not been chosen."""
        if mode != _MASKED:
            return Given(_content(image, "Image"), None)
        return Given(_content(base, "Image"), _content(mask, "Mask"))

    def read_image(self, mode: Any, image: Any, base: Any) -> bytes:
        """Without the mask. Raises RequestError."""
        return _content(base if mode == _MASKED else image, "Image")

    def takes(self, mode: Literal["img2img", "inpaint"], picture: bytes) -> Updates:
        """A picture from elsewhere, in the tab where it is used so; it still has to be masked there."""
        opened = _WHOLE if mode == "img2img" else _MASKED
        return self._opens(opened) | {self.image if mode == "img2img" else self.base: picture}

    def shows(self, init: InitImage) -> Updates:
        """The tab that has it open; a picture that is to be given stays what it was."""
        mode = _MASKED if init.inpaint else _WHOLE
        updates = self._opens(mode)
        if init.image:
            updates[self.base if init.inpaint else self.image] = init.image
        if init.inpaint and init.inpaint.mask:
            updates[self.mask] = init.inpaint.mask
        return updates

    def _opens(self, mode: str) -> Updates:
        return {
            self.mode: mode,
            self._tabs: gr.Tabs(selected=mode),
            self._controls: gr.update(visible=mode != _WHOLE),
        }


def _picture(label: str, elem_id: str, height: int, **look: Any) -> ImageFile:
    return ImageFile(
        label=label,
        sources=["upload", "clipboard"],
        elem_id=elem_id,
        height=height,
        buttons=["fullscreen"],
        **look,
    )


def _content(path: Any, field: str) -> bytes:
    if not path:
        raise RequestError(f"{field}: choose a picture first.")
    return uploaded(path, field)
