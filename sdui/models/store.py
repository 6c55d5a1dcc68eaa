"""Which checkpoint is on the device; `lease` is the only way to get one."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from sdui.core.catalog import Checkpoint
from sdui.core.errors import ModelFileError, RequestError

from .families import family_of
from .families.base import LoadedModel, Source
from .families.others import kind_of
from .files import CheckpointFile, ModelFiles
from .vae_files import VaeStore

log = logging.getLogger(__name__)

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Lease:
    """A checkpoint that stays on the device while it is leased."""

    name: str
    sha256: str
    model: LoadedModel


class ModelStore:
    """Keeps the last checkpoint loaded."""

    def __init__(
        self, files: ModelFiles, device: str = "auto", precision: str = "auto", *, half_vae: bool = True
    ) -> None:
        """device: auto, cpu, cuda, cuda:N or mps; precision: auto, fp32, fp16 or bf16; half_vae: VAEs too.

        Raises RuntimeError or AssertionError, as torch does, for a device that is not there.
        """
        self.files = files
        self.device = torch.empty(0, device=_best_device() if device == "auto" else device).device
        on_gpu = self.device.type in ("cuda", "mps")
        self.dtype = _DTYPES["fp16" if on_gpu else "fp32"] if precision == "auto" else _DTYPES[precision]
        self._vae_dtype = self.dtype if half_vae else torch.float32
        self.vaes = VaeStore(files, self.device, self._vae_dtype)
        self._resident: tuple[CheckpointFile, Lease] | None = None

    def catalog(self) -> tuple[Checkpoint, ...]:
        return self.files.catalog()

    @contextmanager
    def lease(self, name: str, sha256: str, on_load: Callable[[str], None]) -> Generator[Lease]:
        """A checkpoint by name or first digits of its hash; `on_load` is told its name when it must be loaded first.

        Raises ModelNotFound, or ModelFileError and keeps the checkpoint that was loaded before.
        """
        file = self.files.find(name, sha256)
        if self._resident is None or self._resident[0] is not file:
            on_load(file.name)
            self._resident = file, self._load(file)
            gc.collect()
        yield self._resident[1]

    def _load(self, file: CheckpointFile) -> Lease:
        if file.header is None:
            raise ModelFileError(file.problem)
        family = family_of(file.header.shapes)
        if family is None:
            raise RequestError(f"Checkpoint: {file.path} cannot be used. {kind_of(file.header.shapes)}")
        started = time.monotonic()
        taesd = self.files.folders("taesd")
        model = family.load(Source(file.path, file.config, self.device, self.dtype, taesd, self._vae_dtype))
        log.info("Loaded %s in %.1f s", file.path, time.monotonic() - started)
        return Lease(file.name, self.files.sha256(file), model)


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
