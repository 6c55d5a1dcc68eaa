"""Offers the restorers, and has one of them work on every picture that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sdui.core.errors import ModelFileError, RequestError
from sdui.core.events import Notice, Progress
from sdui.core.groups import values_of
from sdui.core.request import GenerationRequest
from sdui.engine.run import Run
from sdui.extensions.contracts import Context, Drawing, FaceRestorer, Pixels
from sdui.extensions.hooks import hook
from sdui.models.faces.finding import finder
from sdui.models.faces.restoring import load, restored
from sdui.models.store import ModelStore

from .params import RestoreFaces

_FILES = {"CodeFormer": ("codeformer", "codeformer-v0.1.0.pth"), "GFPGAN": ("gfpgan", "GFPGANv1.4.pth")}
"""What the file's name begins with, and what it usually is."""


@dataclass(frozen=True, slots=True)
class FileRestorer:
    models: ModelStore
    name: str
    path: Path | None

    @property
    def problem(self) -> str:
        if self.path:
            return ""
        folder = next(iter(self.models.files.folders("face_restorer")), Path("models/GFPGAN"))
        return f"{self.name} needs its file: put {_FILES[self.name][1]} into {folder}."

    def restore(self, image: Image.Image, weight: float, context: Context) -> Image.Image:
        path = self.path
        if path is None:
            raise ModelFileError(self.problem)
        context.emit(Progress(f"Restoring faces with {self.name}"))
        side = self.models.side
        find = finder([path for folder in self.models.files.folders("face_restorer") for path in folder.glob("*.onnx")])
        with side.lease(path, lambda: load(path, side)) as network:
            return restored(image, find, lambda face: network(face, weight))


@hook
def face_restorers(models: ModelStore) -> Sequence[FaceRestorer]:
    files = sorted((file.path for file in models.files.of("face_restorer")), key=lambda path: path.name, reverse=True)
    return [
        FileRestorer(models, name, next((path for path in files if path.name.casefold().startswith(begin)), None))
        for name, (begin, _) in _FILES.items()
    ]


@hook
def change_request(request: GenerationRequest, drawing: Drawing) -> GenerationRequest | None:
    """Nothing is changed; what is missing is said before anything is drawn."""
    values = values_of(request, RestoreFaces)
    if values is not None:
        problems = {choice.name: choice.problem for choice in drawing.catalog().face_restorers}
        if values.model not in problems:
            known = ", ".join(problems)
            raise RequestError(f"Face restoration model: there is no {values.model!r}; known are {known}.")
        if problems[values.model]:
            raise RequestError(f"Restore faces: {problems[values.model]}")
    return None


@hook
def after_decode(run: Run, pixels: Pixels) -> Pixels | None:
    values = values_of(run.request, RestoreFaces)
    if values is None:
        return None
    restorers = {
        one.name: one for several in run.host.every("face_restorers", models=run.leases.models) for one in several
    }
    try:
        made = restorers[values.model].restore(Image.fromarray(pixels), values.weight, run.context)
    except ModelFileError as error:
        # The picture is there and is not to be lost.
        run.emit(Notice(f"Restore faces: {error}"))
        return None
    return np.asarray(made)
