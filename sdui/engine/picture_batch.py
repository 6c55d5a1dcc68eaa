"""The Batch tab's work: img2img of one picture after the other, each with its mask and what its text says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from sdui.core import infotext
from sdui.core.catalog import is_hash
from sdui.core.errors import RequestError
from sdui.core.events import Event, ImageReady, Notice, Progress
from sdui.core.request import BatchRequest, GenerationRequest
from sdui.core.stages import Inpaint
from sdui.extensions.contracts import Context
from sdui.imaging.file_formats import read_infotext
from sdui.imaging.pixels import opened

from .drawing import Drawing
from .sources import Source, content, files_in, for_each, sources

_MASKS = "Inpaint batch mask directory"
_PROMPTS = {"Prompt": "prompt", "Negative prompt": "negative_prompt"}
_FIELDS = {
    "Seed": ("seed",),
    "CFG scale": ("cfg_scale",),
    "Sampler": ("sampler", "schedule"),
    "Steps": ("steps",),
}
"""By key of an infotext."""


def draw_each(task: BatchRequest, drawing: Drawing, generate: Callable[[GenerationRequest, Drawing], None]) -> None:
    """Raises RequestError where there is nothing to draw or nothing could be drawn, Interrupted."""
    given = sources(task.source.pictures, task.source.input_dir, "Input directory")
    if not given:
        raise RequestError("Batch: choose pictures, or a folder that has some.")
    masks = files_in(task.source.mask_dir, _MASKS) if task.source.mask_dir else None
    if masks == []:
        raise RequestError(f"{_MASKS}: there is no mask in {task.source.mask_dir}.")
    started, told = time.monotonic(), set[str]()

    def do(index: int, source: Source) -> None:
        request = _asked(task, source, masks, drawing)
        place = _Place(
            drawing.context, task.source.output_dir, PurePath(source[0]).stem, index, len(given), started, told
        )
        # Grids of what has a name of its own would have none.
        preferences = drawing.context.preferences.model_copy(update={"grid_save": False})
        context = replace(drawing.context, preferences=preferences, emit=place.emit)
        generate(request, replace(drawing, context=context))

    for_each(given, drawing, do)


@dataclass(frozen=True, slots=True)
class _Place:
    """One picture's part of the job."""

    context: Context
    folder: str
    name: str
    index: int
    count: int
    started: float
    """Of the job, on the monotonic clock."""
    told: set[str]
    """What every picture would say again."""

    def emit(self, event: Event) -> None:
        match event:
            case ImageReady(image) if self.folder:
                event = ImageReady(replace(image, folder=self.folder, name=self.name))
            case Progress():
                done = (self.index + event.done) / self.count
                spent = time.monotonic() - self.started
                event = replace(event, done=done, eta=spent / done - spent if done > 0 else None)
            case Notice(text):
                if text in self.told:
                    return
                self.told.add(text)
            case _:
                pass
        self.context.emit(event)


def _asked(task: BatchRequest, source: Source, masks: list[Path] | None, drawing: Drawing) -> GenerationRequest:
    """For one picture. Raises RequestError, OSError."""
    name, data = source[0], content(source[1])
    request = task.request
    if request.init is None:
        raise RequestError("Batch: it is for img2img.")
    size = opened(data, "Image").size
    inpaint = None if masks is None else _masked(request.init.inpaint, name, masks)
    values: dict[str, Any] = {"init": request.init.model_copy(update={"image": data, "inpaint": inpaint})}
    if task.resize:
        values |= dict(zip(("width", "height"), task.resize.sides(*size), strict=True))
    if task.source.use_png_info:
        values |= _said(task, request, name, data, drawing)
    return request.model_copy(update=values)


def _masked(inpaint: Inpaint | None, name: str, masks: list[Path]) -> Inpaint:
    """With the mask that is called like the picture, or the only one."""
    alike = [path for path in masks if path.stem == PurePath(name).stem] or (masks if len(masks) == 1 else [])
    if not alike:
        raise RequestError(f"{_MASKS}: there is no mask of this name.")
    return (inpaint or Inpaint(mask=b"")).model_copy(update={"mask": content(alike[0])})


def _said(task: BatchRequest, request: GenerationRequest, name: str, data: bytes, drawing: Drawing) -> dict[str, Any]:
    """What is wanted of the picture's text, by field."""
    text = _text(task.source.png_info_dir, name, data)
    pairs, read = infotext.parse(text).pairs, infotext.read(text, type(request))
    wanted = task.source.png_info_props
    values: dict[str, Any] = {
        path: " ".join(filter(None, (getattr(request, path), getattr(read, path))))
        for key, path in _PROMPTS.items()
        if key in wanted
    }
    for key, paths in _FIELDS.items():
        if key in wanted and key in pairs:
            values |= {path: getattr(read, path) for path in paths}
    if "Model hash" in wanted and read.model_hash:
        values |= _checkpoint(read.model_hash, name, drawing)
    return values


def _text(folder: str, name: str, data: bytes) -> str:
    """ "" where the file is none or says nothing."""
    try:
        return read_infotext(content(Path(folder).expanduser() / PurePath(name).name) if folder and name else data)
    except (OSError, RequestError):
        return ""


def _checkpoint(digits: str, name: str, drawing: Drawing) -> dict[str, Any]:
    """Nothing where it is not here, which is told."""
    here = (one for one in drawing.catalog().checkpoints if is_hash(digits, one.hashes))
    if found := next(here, None):
        return {"model": found.title, "model_hash": digits}
    drawing.tell(f"{name}: its checkpoint [{digits}] is not here, so the chosen one draws.")
    return {}
