"""Offers LDSR where its folder is; what it enlarges is first brought to a quarter of the size that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sdui.core.errors import Interrupted, ModelFileError
from sdui.core.events import Progress, Stop
from sdui.extensions.contracts import Context, Upscaler
from sdui.extensions.hooks import hook
from sdui.models.store import ModelStore

_FILES = ("model.safetensors", "model.ckpt")
"""A1111's names; of both, the first is used."""
_CONFIG = "project.yaml"


@hook
def upscalers(models: ModelStore) -> Sequence[Upscaler]:
    folders = [folder for folder in models.files.folders("ldsr") if folder.is_dir()]
    return [Ldsr(models, folders[0])] if folders else []


@dataclass(frozen=True, slots=True)
class Ldsr:
    models: ModelStore
    folder: Path
    """Where users are told to put the file."""

    @property
    def name(self) -> str:
        return "LDSR"

    def upscale(self, image: Image.Image, scale: float, context: Context) -> Image.Image:
        """By `scale`, as A1111 has it: the network always enlarges by four."""
        # diffusers takes seconds to import; listing upscalers must not wait for it.
        from sdui.models.upscaling.ldsr import load

        def on_look(done: int, count: int) -> None:
            if context.stop.level >= Stop.SKIP:
                raise Interrupted
            context.emit(Progress(f"Upscaling with {self.name}", done, count, done / count))

        path, side, chosen = self._file(), self.models.side, context.preferences
        config = path.with_name(_CONFIG)
        with (
            side.lease(
                path, lambda: load(path, config if config.is_file() else None, side.device), keep=chosen.ldsr_cached
            ) as network,
            torch.inference_mode(),
        ):
            size = [max(1, int(np.ceil(length * scale / network.scale))) for length in image.size]
            small = image.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)
            pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].to(side.device) / 255
            made = network.enlarged(pixels, chosen.ldsr_steps, on_look)
        made = (made[0].clamp(0, 1) * 255).round().to(torch.uint8)
        return Image.fromarray(made.permute(1, 2, 0).numpy())

    def _file(self) -> Path:
        """Raises ModelFileError, naming what is missing."""
        found = {file.path.name: file.path for file in reversed(self.models.files.of("ldsr"))}
        for name in _FILES:
            if name in found:
                return found[name]
        raise ModelFileError(f"LDSR needs its model: put {_FILES[1]} or {_FILES[0]} into {self.folder}.")
