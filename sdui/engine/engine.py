"""Runs one task at a time on one device."""

from __future__ import annotations

import math
import random
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch

from sdui.core.catalog import Catalog, ModelKind, NetworkPage
from sdui.core.errors import Interrupted, RequestError
from sdui.core.events import Emit, GeneratedImage, ImageReady, Notice, Progress, StopToken
from sdui.core.merging import MergeRequest
from sdui.core.request import GenerationRequest, LoadRequest, Task
from sdui.core.settings import Preferences
from sdui.core.stages import Hires
from sdui.imaging.grid import grid, rows_for
from sdui.imaging.hires_size import hires_size
from sdui.models.hashing import BackgroundHashing
from sdui.models.merging import merge
from sdui.models.read_ahead import Wish
from sdui.models.residents import Lease, Room
from sdui.models.store import ModelStore
from sdui.models.vae_files import VaeWish
from sdui.prompt.tokenizer import Tokenizer
from sdui.sampling.registry import Registry
from sdui.sampling.schedules import AUTOMATIC, SCHEDULES

from .conditioning import Conditioner
from .embeddings import EmbeddingLibrary
from .generate import generate, unfinished
from .hires import check_upscaler, upscalers
from .init_latents import encode_init
from .networks import Networks
from .passes import Tools
from .run import Batch, Pace, Run
from .words import Words

_EMPTY_PROMPT = "Prompt: it is empty, so the picture shows whatever the checkpoint makes of nothing."


class Engine:
    def __init__(
        self, models: ModelStore, samplers: Registry, styles: Path, hashing: BackgroundHashing | None = None
    ) -> None:
        """styles: the styles.csv file; it need not exist. hashing: rests while a task is run."""
        self._hashing = hashing
        self._models, self._samplers, self._styles = models, samplers, styles
        tokenizer = Tokenizer()
        self._tools = Tools(samplers, Conditioner(tokenizer))
        self._embeddings = EmbeddingLibrary(models.files, tokenizer.encode)
        self._next: Task | None = None
        self._drawing: int | None = None
        """Bytes that the running job still needs; None until it draws."""

    def catalog(self) -> Catalog:
        return Catalog(
            checkpoints=self._models.catalog(),
            samplers=self._samplers.names(),
            schedules=(AUTOMATIC, *SCHEDULES),
            hires_upscalers=upscalers(),
            vaes=self._models.vaes.names(),
            hashing=self._hashing and self._hashing.progress,
        )

    def networks(self, kind: ModelKind, search: str, number: int) -> NetworkPage:
        """A page of the files that prompts name; see `ModelFiles.networks`."""
        return self._models.files.networks(kind, search, number)

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
        wish = None if isinstance(task, LoadRequest) else _vae_of(task)
        with ExitStack() as leases:
            if self._hashing:
                leases.enter_context(self._hashing.resting())
            lease_of = _Leases(leases, self._models, emit, wish)
            lease = lease_of(*_checkpoint_of(task))
            if isinstance(task, GenerationRequest):
                try:
                    self._generate(task, lease, lease_of, preferences, stop)
                except torch.OutOfMemoryError as error:
                    raise RequestError("Not enough memory: choose a smaller width, height or batch size.") from error
                finally:
                    self._drawing = None

    def prepare(self, task: Task | None) -> None:
        """What will be run next, as far as is known now; from any thread, at any time."""
        self._next = task
        if task is None or isinstance(task, MergeRequest):
            self._models.expect(None)
        elif self._drawing is not None:
            self._models.expect(Wish(*_checkpoint_of(task), self._drawing))

    def _generate(
        self, asked: GenerationRequest, lease: Lease, others: _Leases, preferences: Preferences, stop: StopToken
    ) -> None:
        request, emit = self._resolved(asked, lease), others.emit
        self._drawing = _require_memory(request, lease)
        self.prepare(self._next)
        if not request.prompt.strip():
            emit(Notice(_EMPTY_PROMPT))
        batches = _batches(request, preferences)
        networks = Networks(self._models.files, emit, preferences, self._embeddings, asked.network_hashes)
        pace = Pace(len(batches), passes=2 if request.hires else 1)
        init = encode_init(request, lease.model, batches[0].seeds)
        if init and init.picture.notice:
            emit(Notice(init.picture.notice))
        made: list[GeneratedImage] = []
        for pace.batch, batch in enumerate(batches):
            stop.next_batch()
            stop.check()
            others.activate(lease)
            if pace.batch and preferences.batch_independent:
                init = encode_init(request, lease.model, batch.seeds)
            run = Run(request, preferences, batch, lease, others, stop, pace, networks, init)
            try:
                images = generate(run, self._tools)
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

    def _resolved(self, request: GenerationRequest, lease: Lease) -> GenerationRequest:
        """With real seeds, the full names of what was asked for, and prompts as they are read.

        Raises RequestError for what is not there.
        """
        count = request.batch_count * request.batch_size
        if max(request.seed, request.subseed) + count > 2**63:
            raise RequestError(f"Seed: {request.seed} is too large, every picture of a batch needs one more.")
        if request.hires and request.init:
            raise RequestError(
                "Hires. fix: it is for pictures from noise alone. Leave out the init image, or hires fix."
            )
        sampler, schedule = self._samplers.resolve(request.sampler, request.schedule)
        values: dict[str, Any] = {
            "seed": _real(request.seed),
            "subseed": _real(request.subseed),
            "sampler": sampler.name,
            "schedule": schedule,
            "model": lease.name,
            "model_hash": lease.sha256[:10],
            **self._resolved_vae(request, lease),
            "styles": (),
            "others": request.lasting_others,
        }
        words = Words(self._styles, request)
        values |= {"prompt": words.positive(request.prompt), "negative_prompt": words.negative(request.negative_prompt)}
        if request.hires:
            values["hires"] = self._resolved_hires(request.hires, sampler.name, words)
        return request.model_copy(update=values)

    def _resolved_vae(self, request: GenerationRequest, lease: Lease) -> dict[str, Any]:
        path = self._models.files.find(lease.name, lease.sha256).path
        vae, digits = self._models.vaes.files.resolved(path, _vae_of(request))
        return {"vae": vae, "vae_hash": digits, "vae_overrides_preference": True}

    def _resolved_hires(self, hires: Hires, first_sampler: str, words: Words) -> Hires:
        check_upscaler(hires)
        self._samplers.resolve(hires.sampler or first_sampler, hires.schedule or AUTOMATIC)
        prompts = {"prompt": words.positive(hires.prompt), "negative_prompt": words.negative(hires.negative_prompt)}
        given = {name: text for name, text in prompts.items() if getattr(hires, name)}
        return hires.model_copy(update=given)


@dataclass(frozen=True, slots=True)
class _Leases:
    """Checkpoints for one job; each stays until the job ends."""

    stack: ExitStack
    models: ModelStore
    emit: Emit
    vae: VaeWish | None
    """None where nothing is drawn."""
    by_path: dict[Path, Lease] = field(default_factory=dict[Path, Lease])

    @property
    def taken(self) -> Collection[Lease]:
        return self.by_path.values()

    def __call__(self, name: str, sha256: str = "") -> Lease:
        path = self.models.files.find(name, sha256).path
        if path not in self.by_path:
            lease = self.models.lease(name, sha256, lambda name: self.emit(Progress(f"Loading {name}")))
            taken = self.by_path[path] = self.stack.enter_context(lease)
            if self.vae:
                self.stack.enter_context(self.models.vaes.used(taken.model, path, self.vae, self._tell))
        self.activate(self.by_path[path])
        return self.by_path[path]

    def activate(self, lease: Lease) -> None:
        self.models.activate(lease)

    def _tell(self, text: str) -> None:
        self.emit(Notice(text))


def _vae_of(request: GenerationRequest) -> VaeWish:
    return VaeWish(request.vae, request.vae_hash, request.vae_overrides_preference, request.vae_bfloat16)


def _checkpoint_of(task: GenerationRequest | LoadRequest) -> tuple[str, str]:
    """Name and hash of the one that the task begins with."""
    return (task.model, "") if isinstance(task, LoadRequest) else (task.model, task.model_hash)


def _real(seed: int) -> int:
    return seed if seed >= 0 else random.randrange(2**32)


def _batches(request: GenerationRequest, preferences: Preferences) -> list[Batch]:
    """The pictures' seeds, in the order in which they are drawn.

    They count up; where a variation is mixed in, all have one seed and the variation seeds count up, as in A1111.
    """
    count, step = request.batch_count * request.batch_size, 0 if request.subseed_strength else 1
    seeds = [request.seed + step * index for index in range(count)]
    subseeds = [request.subseed + index for index in range(count)]
    size = 1 if preferences.batch_independent else request.batch_size
    return [Batch(seeds[at : at + size], subseeds[at : at + size]) for at in range(0, count, size)]


def _require_memory(request: GenerationRequest, lease: Lease) -> int:
    """The bytes of RAM that are needed.

    A GPU refuses what it cannot hold; on the CPU the system would end the server instead.
    """
    width, height = request.width, request.height
    if request.hires:
        enlarged = hires_size(width, height, request.hires)
        width, height = max((width, height), (enlarged.width, enlarged.height), key=math.prod)
    needed, free = lease.model.decode_bytes(width, height), psutil.virtual_memory().available
    if lease.model.device.type != "cpu":
        return 0
    if needed > free:
        raise RequestError(
            f"Width, Height: {width}x{height} needs about {needed / 2**30:.0f} GB of memory, "
            f"{free / 2**30:.0f} GB are free. Choose a smaller size."
        )
    return needed
