"""The checkpoints of one job: each is leased when it is first asked for and stays until the job ends."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sdui.core.events import Emit, Notice, Progress
from sdui.models.residents import Lease
from sdui.models.store import ModelStore
from sdui.models.vae_files import VaeWish


@dataclass(frozen=True, slots=True)
class JobLeases:
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
