"""A job at work: what extensions draw, enlarge, restore and describe pictures with; see `extensions.contracts`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.events import Event, GeneratedImage, ImageReady, Notice, Progress
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Context
from sdui.extensions.host import Host
from sdui.models.store import ModelStore

from .painter import Painter
from .upscaling import Upscalers


@dataclass(slots=True)
class Drawing:
    painter: Painter
    host: Host
    upscalers: Upscalers
    models: ModelStore
    context: Context
    groups: type[GenerationRequest]
    catalog: Callable[[], Catalog]
    _planned: int = 1
    _drawn: int = 0
    _progress: float = 0.0
    """Share of the job that is done, 0..1."""
    _started: float = field(default_factory=time.monotonic)

    @property
    def cache(self) -> Path:
        return self.models.files.cache

    def plan(self, draws: int) -> None:
        self._planned = max(draws, 1)

    def draw(
        self, request: GenerationRequest, on_image: Callable[[GeneratedImage], None] | None = None
    ) -> list[GeneratedImage]:
        self.context.stop.next_batch()

        def finished(image: GeneratedImage) -> GeneratedImage:
            try:
                if image.kind == "image":
                    with self.context.stop.whole():
                        image = self.host.passed_on("after_image", "image", image, drawing=self._beside())
            finally:  # the picture itself is finished, whatever became of what was to be done to it
                if on_image:
                    on_image(image)
            return image

        images = self.painter.paint(request, replace(self.context, emit=self._emit), finished)
        self._drawn += 1
        return images

    def show(self, image: GeneratedImage) -> None:
        self.context.emit(ImageReady(image))

    def tell(self, text: str) -> None:
        self.context.emit(Notice(text))

    def upscaled(self, image: Image.Image, scale: float, upscaler: str) -> Image.Image:
        return self.upscalers.upscaled(image, scale, upscaler, self.context)

    def upscaler_names(self) -> Sequence[str]:
        return self.upscalers.names()

    def restored(self, image: Image.Image, restorer: str, weight: float) -> Image.Image:
        return self._usable("face_restorers", restorer, "Face restoration").restore(image, weight, self.context)

    def described(self, image: Image.Image, describer: str) -> str:
        return self._usable("describers", describer, "Interrogator").describe(image, self.context)

    def _usable(self, hook: str, name: str, label: str) -> Any:
        offered = {one.name: one for several in self.host.every(hook, models=self.models) for one in several}
        known = {other.casefold(): other for other in offered}
        name = known.get(name.casefold(), name)
        if name not in offered:
            raise RequestError(f"{label}: there is no {name!r}; known are {', '.join(offered) or 'none'}.")
        if offered[name].problem:
            raise RequestError(f"{label}: {offered[name].problem}")
        return offered[name]

    def _beside(self) -> Drawing:
        """For drawing while a picture of this job is finished: the job's own progress stands still."""

        def emit(event: Event) -> None:
            if isinstance(event, Progress):
                event = replace(event, done=self._progress, eta=None)
            self.context.emit(event)

        context = replace(self.context, emit=emit)
        return Drawing(self.painter, self.host, self.upscalers, self.models, context, self.groups, self.catalog)

    def _emit(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._progress = min(1.0, (self._drawn + event.done) / self._planned)
            spent = time.monotonic() - self._started
            eta = spent / self._progress - spent if self._progress > 0 else None
            event = replace(event, done=self._progress, eta=eta if self._planned > 1 else event.eta)
        self.context.emit(event)
