"""The names a user can choose from, as the workers report them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelKind = Literal["checkpoint", "vae", "taesd", "lora", "embedding", "hypernetwork"]
"""Of model files; each kind has folders of its own."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint file as its header describes it; no weights were read for this."""

    name: str
    """File name without folder and extension, as the infotext's "Model" has it."""
    title: str
    """What drop-downs show: "file.safetensors [10 hex digits]", without the digits until the file was hashed."""
    family: str = ""
    width: int = 512
    height: int = 512
    """Pixels; the size this checkpoint draws best at."""
    examples: tuple[str, ...] = ()
    """Prompts that its makers know to work."""
    problem: str = ""
    """Why it cannot be loaded, in one sentence; "" when it can."""


@dataclass(frozen=True, slots=True)
class Catalog:
    checkpoints: tuple[Checkpoint, ...] = ()
    samplers: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    hires_upscalers: tuple[str, ...] = ()
    """Latent modes and pixel upscalers."""
    vaes: tuple[str, ...] = ("Automatic", "None")

    def names(self, choices: str) -> tuple[str, ...]:
        """The texts a drop-down offers for `Param.choices`."""
        if choices == "checkpoints":
            return tuple(checkpoint.title for checkpoint in self.checkpoints)
        return tuple(getattr(self, choices))

    def checkpoint(self, name: str) -> Checkpoint | None:
        """By title or name, the first usable one for ""; None when there is none."""
        if not name:
            return next(iter(sorted(self.checkpoints, key=lambda checkpoint: bool(checkpoint.problem))), None)
        return next(
            (checkpoint for checkpoint in self.checkpoints if name in (checkpoint.title, checkpoint.name)), None
        )
