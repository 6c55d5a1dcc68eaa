"""The names a user can choose from, as the workers report them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

ModelKind = Literal[
    "checkpoint",
    "vae",
    "taesd",
    "lora",
    "embedding",
    "hypernetwork",
    "upscaler",
    "ldsr",
    "face_restorer",
    "describer",
    "detector",
]
"""Of model files; each kind has folders of its own."""

SHORT = 10
"""Hex digits of the SHA-256 that A1111 shows."""
_FEWEST = 8
"""Hex digits that tell files apart; A1111's oldest hashes have as many."""


def is_hash(digits: str, hashes: Iterable[str]) -> bool:
    """Whether these, in any case, are the first digits of one of a file's hashes."""
    wanted = digits.strip().lower()
    return len(wanted) >= _FEWEST and any(known.startswith(wanted) for known in hashes)


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
    edits: bool = False
    """Whether it changes a picture as it is told to (InstructPix2Pix)."""
    hashes: tuple[str, ...] = ()
    """Those that are known of the file, in lower case; the SHA-256 comes first when it is one of them."""


@dataclass(frozen=True, slots=True)
class Hashing:
    """How far the background has got with the model files whose hashes are unknown."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that needs files of its own."""

    name: str
    problem: str = ""
    """Which file to put where; "" when it can be used."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What A1111's API tells of a sampler or a schedule beside its name."""

    aliases: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Catalog:
    checkpoints: tuple[Checkpoint, ...] = ()
    samplers: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    hires_upscalers: tuple[str, ...] = ()
    """Latent modes and pixel upscalers."""
    upscalers: tuple[str, ...] = ("None",)
    """Of pixels."""
    face_restorers: tuple[Choice, ...] = ()
    describers: tuple[Choice, ...] = ()
    detectors: tuple[str, ...] = ()
    vaes: tuple[str, ...] = ("Automatic", "None")
    hashing: Hashing | None = None
    """None while nothing is hashed."""
    sampler_facts: dict[str, Facts] = field(default_factory=dict[str, Facts])
    """By name."""
    schedule_facts: dict[str, Facts] = field(default_factory=dict[str, Facts])
    device: str = ""
    """What draws, in words: "cuda:0, NVIDIA H100, 79.1 GiB, fp16"."""

    @property
    def vae_files(self) -> tuple[str, ...]:
        return tuple(name for name in self.vaes if name not in ("Automatic", "None"))

    def lists(self, choices: str) -> bool:
        """Whether this `Param.choices` names one of the lists here."""
        return hasattr(self, choices)

    def names(self, choices: str) -> tuple[str, ...]:
        """The texts a drop-down offers for `Param.choices`."""
        if choices == "checkpoints":
            return tuple(checkpoint.title for checkpoint in self.checkpoints)
        return tuple(one.name if isinstance(one, Choice) else one for one in getattr(self, choices))

    def problems(self, choices: str) -> tuple[str, ...]:
        """Of those of the list that need files which are not there, which."""
        offered = () if choices == "checkpoints" else getattr(self, choices)
        return tuple(one.problem for one in offered if isinstance(one, Choice) and one.problem)

    def checkpoint(self, name: str) -> Checkpoint | None:
        """By title or name, the first usable one for ""; None when there is none."""
        if not name:
            return next(iter(sorted(self.checkpoints, key=lambda checkpoint: bool(checkpoint.problem))), None)
        return next(
            (checkpoint for checkpoint in self.checkpoints if name in (checkpoint.title, checkpoint.name)), None
        )

    def find(self, name: str, digest: str = "") -> Checkpoint | None:
        """The checkpoint with this hash, else the one with this title, name or file name."""
        file = name.split(" [")[0]
        same = [c for c in self.checkpoints if file and c.title.split(" [")[0] == file]
        named = (self.checkpoint(name) if name else None) or next(iter(same), None)
        hashed = [c for c in self.checkpoints if is_hash(digest, c.hashes)]
        return named if named in hashed else next(iter(hashed), named)
