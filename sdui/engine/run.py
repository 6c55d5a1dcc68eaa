"""The state of one batch while it runs."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from sdui.core.errors import Interrupted, ModelFileError
from sdui.core.events import Emit, Notice, Preview, Progress, Stop
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context
from sdui.extensions.host import Host
from sdui.models.families.base import LoadedModel
from sdui.models.residents import Lease
from sdui.models.store import ModelStore
from sdui.sampling.samplers import Step

from .init_latents import InitLatents
from .networks import Networks
from .preview import PreviewBudget, preview_jpeg


@dataclass(slots=True)
class Pace:
    """How far the whole job is, and how long it will still take."""

    batches: int
    passes: int = 1
    """Of a sampler, for each batch: 2 with hires fix."""
    batch: int = 0
    current: int = 0
    """The running pass of the batch, from 0."""
    started: float = field(default_factory=time.monotonic)

    def progress(self, stage: str, step: int, steps: int) -> Progress:
        # Without a step there is nothing left to do: DDIM at a low denoising strength.
        share = (self.current + (step / steps if steps else 1)) / self.passes
        done = (self.batch + share) / self.batches
        spent = time.monotonic() - self.started
        return Progress(stage, step, steps, done, spent / done - spent if done > 0 else None)


@dataclass(frozen=True, slots=True)
class Batch:
    """One entry for each picture that is drawn at once."""

    seeds: list[int]
    subseeds: list[int]
    request: GenerationRequest
    """The job's, with the prompts of these pictures."""


class Leases(Protocol):
    """Checkpoints for one job; each stays until the job ends."""

    @property
    def models(self) -> ModelStore: ...

    @property
    def taken(self) -> Collection[Lease]: ...

    def __call__(self, name: str, sha256: str = "") -> Lease:
        """The checkpoint that computes from now on."""
        ...

    def activate(self, lease: Lease) -> None:
        """It computes from now on, again."""
        ...


@dataclass(slots=True)
class Run:
    request: GenerationRequest
    """As resolved: real seeds, name and hash of the checkpoint, styles in the prompts, those of the batch."""
    template: GenerationRequest
    """The job's request, whose prompts may be a pattern for those of the batch."""
    context: Context
    host: Host
    batch: Batch
    lease: Lease
    leases: Leases
    """Further checkpoints, for hires fix and the refiner."""
    pace: Pace
    networks: Networks
    init: InitLatents | None
    """What img2img starts from."""
    previews: PreviewBudget = field(default_factory=PreviewBudget)
    model: LoadedModel = field(init=False)
    """The checkpoint that draws now and will decode; set when a pass begins and when the refiner takes over."""
    steps: int = 0
    """Sampling steps of this pass; set before its first one."""
    denoised: Tensor | None = None
    """The picture as of the last step, [B,C,h,w]; set by the first step."""

    def __post_init__(self) -> None:
        self.model = self.lease.model

    @property
    def preferences(self) -> Preferences:
        return self.context.preferences

    @property
    def emit(self) -> Emit:
        return self.context.emit

    def check(self) -> None:
        """Raises Interrupted when this batch is to end; called before every look at the network."""
        if self.context.stop.level >= Stop.SKIP:
            raise Interrupted

    def on_step(self, step: Step) -> None:
        """Called by every sampler at every step."""
        self.denoised = step.denoised
        self.host.every("after_step", run=self, step=step)
        self.emit(self.pace.progress("Sampling", step.index + 1, max(self.steps, step.index + 1)))
        preferences, last = self.preferences, step.index + 1 == self.steps
        due = not last and step.index % preferences.show_progress_every_n_steps == 0
        if preferences.live_previews_enable and due and self.previews.allows():
            with self.previews.spending(step.denoised):
                image = self._preview(step.denoised)
                self.emit(Preview(preview_jpeg(image, preferences.live_previews_image_width)))

    def _preview(self, latents: Tensor) -> Tensor:
        sharp = self.preferences.show_progress_type == "TAESD"
        try:
            return self.model.preview(latents, sharp)
        except ModelFileError as error:
            self.emit(Notice(str(error)))
            return self.model.preview(latents, sharp=False)
