"""Runs one task at a time on one device."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from sdui.core.catalog import Catalog, Choice
from sdui.core.errors import RequestError
from sdui.core.events import Described, Emit, GeneratedImage, ImageReady, Notice, Progress, StopToken
from sdui.core.extras import ExtrasRequest, InterrogateRequest
from sdui.core.groups import script_of
from sdui.core.merging import MergeRequest
from sdui.core.networks import EmbeddingFacts
from sdui.core.request import BatchRequest, GenerationRequest, HashRequest, LoadRequest, Task, UnloadRequest
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context
from sdui.extensions.host import Host
from sdui.imaging.grid import grid, rows_for
from sdui.imaging.pixels import opened
from sdui.models import detectors
from sdui.models.hashing import BackgroundHashing, hash_all
from sdui.models.ldm import text_widths
from sdui.models.library import Library
from sdui.models.memory import gpu_in_use, ram_in_use
from sdui.models.merging import merge
from sdui.models.metadata import read_metadata
from sdui.models.read_ahead import Wish
from sdui.models.residents import Room
from sdui.models.store import ModelStore
from sdui.prompt.style_files import StyleFiles
from sdui.prompt.tokenizer import Tokenizer
from sdui.sampling.registry import Registry
from sdui.sampling.schedules import AUTOMATIC, SCHEDULES, schedule_facts

from .conditioning import Conditioner
from .drawing import Drawing
from .embeddings import EmbeddingLibrary
from .extras import process
from .hires import upscaler_names
from .leases import JobLeases
from .painter import Painter
from .passes import Tools
from .picture_batch import draw_each
from .resolving import Resolver
from .upscaling import Upscalers


class Engine:
    def __init__(
        self,
        models: ModelStore,
        samplers: Registry,
        data: Path,
        hashing: BackgroundHashing | None = None,
        host: Host | None = None,
        styles: StyleFiles | None = None,
    ) -> None:
        """data: the data folder; its styles.csv has the styles, unless others are given.

        hashing: rests while a task is run. host: the extensions.
        """
        self._hashing = hashing
        self._models, self._samplers = models, samplers
        self._library = Library(models.files)
        self._host = host or Host()
        self._upscalers = Upscalers(self._host, models)
        tokenizer = Tokenizer()
        tools = Tools(samplers, Conditioner(tokenizer), self._upscalers)
        resolver = Resolver(models, samplers, styles or StyleFiles(data), self._upscalers)
        self._embeddings = embeddings = EmbeddingLibrary(models.files, tokenizer.encode)
        self._painter = Painter(models, self._host, tools, resolver, embeddings, data, self._draws)
        self._requests = self._host.request(GenerationRequest, "always", "script")
        self._next: Task | None = None
        self._drawing: int | None = None
        """Bytes that the running job still needs; None until it draws."""

    def catalog(self) -> Catalog:
        return Catalog(
            checkpoints=self._models.catalog(),
            samplers=self._samplers.names(),
            schedules=(AUTOMATIC, *SCHEDULES),
            hires_upscalers=upscaler_names(self._upscalers),
            upscalers=self._upscalers.names(),
            face_restorers=self._choices("face_restorers"),
            describers=self._choices("describers"),
            detectors=detectors.names(self._models.files),
            vaes=self._models.vaes.names(),
            hashing=self._hashing and self._hashing.progress,
            sampler_facts=self._samplers.facts(),
            schedule_facts=schedule_facts(),
            device=self._models.described(),
        )

    def library(self) -> Library:
        return self._library

    def metadata(self, checkpoint: str) -> dict[str, str]:
        """What its file says of itself, pictures left out. Raises ModelNotFound."""
        return read_metadata(self._models.files.find(checkpoint).path)

    def embedding_sizes(self, prompt: str) -> dict[str, int]:
        """How many tokens the vectors of each embedding take that a prompt may name; of any kind of checkpoint."""
        return self._embeddings.sizes(prompt)

    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]:
        """Which of them this checkpoint can use. Raises ModelNotFound."""
        header = self._models.files.find(checkpoint).header
        return self._embeddings.facts(text_widths(header.shapes) if header else ())

    def memory(self) -> dict[str, dict[str, Any]]:
        """Bytes, under A1111's names."""
        return {"ram": ram_in_use(), "cuda": gpu_in_use(self._models.device)}

    def close(self) -> None:
        if self._hashing:
            self._hashing.close()
        self._models.files.close()

    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None:
        """Everything the task says goes through `emit`; what it raises is the task's failure."""
        if isinstance(task, MergeRequest):
            merge(task, self._models.files, emit, stop)
            return
        self._models.room = Room(preferences.sd_checkpoints_limit, preferences.sd_checkpoints_keep_in_cpu)
        context = Context(preferences, emit, stop)
        drawing = Drawing(
            self._painter, self._host, self._upscalers, self._models, context, self._requests, self.catalog
        )
        with ExitStack() as rest:
            if self._hashing:
                rest.enter_context(self._hashing.resting())
            match task:
                case LoadRequest():
                    JobLeases(rest, self._models, emit, None)(task.model)
                case UnloadRequest():
                    emit(Notice(_moved(self._models)))
                case HashRequest():
                    hash_all(self._models.files, emit, stop)
                case ExtrasRequest():
                    process(task, self._host, drawing)
                case InterrogateRequest():
                    emit(Progress("Interrogating"))
                    emit(Described(drawing.described(opened(task.image, "Image").convert("RGB"), task.describer)))
                case GenerationRequest():
                    self._generate(task, drawing)
                case BatchRequest():
                    draw_each(task, drawing, self._generate)

    def prepare(self, task: Task | None) -> None:
        """What will be run next, as far as is known now; from any thread, at any time."""
        self._next = task
        if isinstance(task, BatchRequest):
            task = task.request
        if not isinstance(task, GenerationRequest | LoadRequest):
            self._models.expect(None)
        elif self._drawing is not None:
            sha256 = task.model_hash if isinstance(task, GenerationRequest) else ""
            self._models.expect(Wish(task.model, sha256, self._drawing))

    def _draws(self, needed: int) -> None:
        """The running job has begun to draw, which takes so many bytes: the next checkpoint may be read now."""
        self._drawing = needed
        self.prepare(self._next)

    def _generate(self, asked: GenerationRequest, drawing: Drawing) -> None:
        try:
            request = self._host.passed_on("change_request", "request", asked, drawing=drawing)
            script = script_of(request)
            if script is None:
                _with_grid(request, drawing)
            elif not self._host.first("run_request", request=request, drawing=drawing):
                raise RequestError(f"Script: {script.title!r} cannot be run here.")
        except torch.OutOfMemoryError as error:
            raise RequestError("Not enough memory: choose a smaller width, height or batch size.") from error
        finally:
            self._drawing = None

    def _choices(self, hook: str) -> tuple[Choice, ...]:
        offered = (one for several in self._host.every(hook, models=self._models) for one in several)
        return tuple(Choice(one.name, one.problem) for one in offered)


def _moved(models: ModelStore) -> str:
    if models.device.type == "cpu":
        return "There is no GPU here that could be freed: the checkpoint is in RAM, and stays there."
    names = models.leave_device()
    return f"Moved to RAM: {', '.join(names)}." if names else "There was no checkpoint on the GPU."


def _with_grid(request: GenerationRequest, drawing: Drawing) -> None:
    preferences = drawing.context.preferences
    images = drawing.draw(request, drawing.show)
    made = [image for image in images if image.kind == "image"]
    drawing.context.stop.check()
    if len(made) > 1 and preferences.grid_save:
        rows = rows_for(len(made), preferences.n_rows, request.batch_size)
        sheet = grid([image.pixels for image in made], rows)
        shown = preferences.return_grid
        drawing.context.emit(ImageReady(GeneratedImage(sheet, made[0].request, made[0].facts, "grid", shown=shown)))
