"""Runs one task at a time on one device."""

from __future__ import annotations

import random

import psutil
import torch

from sdui.core.catalog import Catalog
from sdui.core.errors import Interrupted, RequestError
from sdui.core.events import Emit, GeneratedImage, ImageReady, Notice, Progress, StopToken
from sdui.core.request import GenerationRequest, LoadRequest, Task
from sdui.core.settings import Preferences
from sdui.imaging.grid import grid, rows_for
from sdui.models.store import Lease, ModelStore
from sdui.prompt.comments import without_comments
from sdui.prompt.extra_networks import parse_extra_networks
from sdui.sampling.registry import Registry
from sdui.sampling.schedules import AUTOMATIC, SCHEDULES

from .conditioning import Conditioner
from .generate import generate, unfinished
from .run import Pace, Run


class Engine:
    def __init__(self, models: ModelStore, samplers: Registry) -> None:
        self._models, self._samplers = models, samplers
        self._conditioner = Conditioner()

    def catalog(self) -> Catalog:
        return Catalog(self._models.catalog(), self._samplers.names(), (AUTOMATIC, *SCHEDULES))

    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None:
        """Everything the task says goes through `emit`; what it raises is the task's failure."""
        name, sha256 = (task.model, "") if isinstance(task, LoadRequest) else (task.model, task.model_hash)
        with self._models.lease(name, sha256, lambda name: emit(Progress(f"Loading {name}"))) as lease:
            if isinstance(task, GenerationRequest):
                try:
                    self._generate(task, lease, preferences, emit, stop)
                except torch.OutOfMemoryError as error:
                    raise RequestError("Not enough memory: choose a smaller width, height or batch size.") from error

    def _generate(
        self, asked: GenerationRequest, lease: Lease, preferences: Preferences, emit: Emit, stop: StopToken
    ) -> None:
        request = _resolved(asked, lease, self._samplers)
        _require_memory(request, lease)
        for text in _remarks(request):
            emit(Notice(text))
        pace = Pace(request.batch_count)
        made: list[GeneratedImage] = []
        for pace.batch in range(request.batch_count):
            stop.next_batch()
            stop.check()
            first = request.seed + pace.batch * request.batch_size
            seeds = list(range(first, first + request.batch_size))
            run = Run(request, preferences, seeds, lease, emit, stop, pace)
            try:
                images = generate(run, self._samplers, self._conditioner)
            except Interrupted:
                images = unfinished(run) if preferences.save_incomplete_images else []
            for image in images:
                emit(ImageReady(image))
            made.extend(image for image in images if image.kind == "image")
        stop.check()
        if len(made) > 1 and preferences.grid_save:
            rows = rows_for(len(made), preferences.n_rows, request.batch_size)
            sheet = grid([image.pixels for image in made], rows)
            emit(ImageReady(GeneratedImage(sheet, made[0].request, made[0].facts, "grid")))


def _require_memory(request: GenerationRequest, lease: Lease) -> None:
    """A GPU refuses what it cannot hold; on the CPU the system would end the server instead."""
    needed, free = lease.model.decode_bytes(request.width, request.height), psutil.virtual_memory().available
    if lease.model.device.type == "cpu" and needed > free:
        raise RequestError(
            f"Width, Height: {request.width}x{request.height} needs about {needed / 2**30:.0f} GB of memory, "
            f"{free / 2**30:.0f} GB are free. Choose a smaller size."
        )


def _remarks(request: GenerationRequest) -> list[str]:
    """What the user may not expect of this prompt."""
    remarks: list[str] = []
    if not request.prompt.strip():
        remarks.append("Prompt: it is empty, so the picture shows whatever the checkpoint makes of nothing.")
    if networks := parse_extra_networks(request.prompt)[1]:
        names = ", ".join(":".join((network.kind, *network.arguments)) for network in networks)
        remarks.append(f"Prompt: this version of sdui draws without <{names}>; such networks come later.")
    return remarks


def _resolved(request: GenerationRequest, lease: Lease, samplers: Registry) -> GenerationRequest:
    """With a real seed, the full names of what was asked for, and prompts without comments."""
    if request.seed + request.batch_count * request.batch_size > 2**63:
        raise RequestError(f"Seed: {request.seed} is too large, every picture of a batch needs one more.")
    return request.model_copy(
        update={
            "seed": request.seed if request.seed >= 0 else random.randrange(2**32),
            "sampler": samplers[request.sampler].name,
            "prompt": without_comments(request.prompt),
            "negative_prompt": without_comments(request.negative_prompt),
            "model": lease.name,
            "model_hash": lease.sha256[:10],
        }
    )
