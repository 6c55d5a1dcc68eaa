"""The state of one batch while it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from torch import Tensor

from sdui.core.errors import Interrupted
from sdui.core.events import Emit, Preview, Progress, Stop, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.models.store import Lease
from sdui.sampling.samplers import Step

from .preview import preview_jpeg
from .start import Kept


@dataclass(slots=True)
class Pace:
    """How far the whole job is, and how long it will still take."""

    batches: int
    batch: int = 0
    started: float = field(default_factory=time.monotonic)

    def progress(self, stage: str, step: int, steps: int) -> Progress:
        # Without a step there is nothing left to do: DDIM at a low denoising strength.
        done = (self.batch + (step / steps if steps else 1)) / self.batches
        spent = time.monotonic() - self.started
        return Progress(stage, step, steps, done, spent / done - spent if done > 0 else None)


@dataclass(slots=True)
class Run:
    request: GenerationRequest
    """As resolved: real seed, name and hash of the checkpoint."""
    preferences: Preferences
    seeds: list[int]
    """One for each picture of this batch."""
    lease: Lease
    emit: Emit
    stop: StopToken
    pace: Pace
    steps: int = 0
    """Sampling steps of this batch; set before the first one."""
    kept: Kept | None = None
    """What inpainting leaves alone; set before the first step."""
    denoised: Tensor | None = None
    """The picture as of the last step, [B,C,h,w]; set by the first step."""

    def check(self) -> None:
        """Raises Interrupted when this batch is to end; called before every look at the network."""
        if self.stop.level >= Stop.SKIP:
            raise Interrupted

    def on_step(self, step: Step) -> None:
        """Called by every sampler at every step."""
        self.denoised = step.denoised
        self.emit(self.pace.progress("Sampling", step.index + 1, self.steps))
        preferences, last = self.preferences, step.index + 1 == self.steps
        if preferences.live_previews_enable and not last and step.index % preferences.show_progress_every_n_steps == 0:
            sharp = preferences.show_progress_type == "TAESD"
            image = self.lease.model.preview(step.denoised, sharp)
            self.emit(Preview(preview_jpeg(image, preferences.live_previews_image_width)))
