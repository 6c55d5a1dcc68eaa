"""Draws all pictures of one request: resolves it, leases its checkpoints, and runs batch after batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from sdui.core.errors import Interrupted, RequestError
from sdui.core.events import GeneratedImage, Notice
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Context
from sdui.extensions.host import Host
from sdui.imaging.hires_size import hires_size
from sdui.imaging.resize import NONE, Upscale
from sdui.models.residents import Lease
from sdui.models.store import ModelStore

from .embeddings import EmbeddingLibrary
from .generate import generate, unfinished
from .init_latents import encode_init
from .leases import JobLeases
from .networks import Networks
from .passes import Tools
from .resolving import Resolver, batches, vae_of
from .run import Pace, Run

_EMPTY_PROMPT = "Prompt: it is empty, so the picture shows whatever the checkpoint makes of nothing."


@dataclass(frozen=True, slots=True)
class Painter:
    models: ModelStore
    host: Host
    tools: Tools
    resolver: Resolver
    embeddings: EmbeddingLibrary
    data: Path
    """The data folder, in which the wildcards are."""
    on_begin: Callable[[int], None]
    """Told the bytes that drawing needs, once the checkpoint is there."""

    def paint(
        self, asked: GenerationRequest, context: Context, on_image: Callable[[GeneratedImage], GeneratedImage]
    ) -> list[GeneratedImage]:
        """Every picture, masks and interrupted ones too; `on_image` may exchange it.

        Raises Interrupted when the job is to end, RequestError for what cannot be drawn.
        """
        with ExitStack() as stack:
            leases = JobLeases(stack, self.models, context.emit, vae_of(asked))
            lease = leases(asked.model, asked.model_hash)
            return self._paint(asked, lease, leases, context, on_image)

    def _paint(
        self,
        asked: GenerationRequest,
        lease: Lease,
        leases: JobLeases,
        context: Context,
        on_image: Callable[[GeneratedImage], GeneratedImage],
    ) -> list[GeneratedImage]:
        request = self.resolver.resolved(asked, lease)
        self.on_begin(_require_memory(request, lease))
        if asked.styles and (unknown := self.resolver.styles.read().unknown(asked.styles)):
            context.emit(Notice(f"Styles: there is no {', '.join(map(repr, unknown))} here; the prompts stay without."))
        if not request.prompt.strip():
            context.emit(Notice(_EMPTY_PROMPT))
        parts = batches(request, context, self.host, self.data)
        networks = Networks(self.models.files, context.emit, context.preferences, self.embeddings, asked.network_hashes)
        pace = Pace(len(parts), passes=2 if request.hires else 1)
        upscale = self._upscale(request, context)
        init = encode_init(request, lease.model, parts[0].seeds, upscale)
        if init and init.picture.notice:
            context.emit(Notice(init.picture.notice))
        prepared_for, made = len(parts[0].seeds), list[GeneratedImage]()
        for pace.batch, batch in enumerate(parts):
            context.stop.next_batch()
            leases.activate(lease)
            if pace.batch and (context.preferences.batch_independent or len(batch.seeds) != prepared_for):
                init, prepared_for = encode_init(request, lease.model, batch.seeds, upscale), len(batch.seeds)
            run = Run(batch.request, request, context, self.host, batch, lease, leases, pace, networks, init)
            try:
                images = generate(run, self.tools)
            except Interrupted:
                images = unfinished(run) if context.preferences.save_incomplete_images else []
            made += [on_image(image) for image in images]
        context.stop.check()
        return made

    def _upscale(self, request: GenerationRequest, context: Context) -> Upscale | None:
        if request.init is None or request.init.upscaler == NONE:
            return None
        return self.tools.upscalers.used(request.init.upscaler, context)


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
