"""Offers every upscaler's file; it is loaded when a picture is enlarged, and freed as other networks need the room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from sdui.core.errors import Interrupted
from sdui.core.events import Progress, Stop
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context, Upscaler
from sdui.extensions.hooks import hook
from sdui.models.store import ModelStore
from sdui.models.upscaling.names import Named, named
from sdui.models.upscaling.network import load
from sdui.models.upscaling.tiles import Tiles, enlarged


@hook
def upscalers(models: ModelStore) -> Sequence[Upscaler]:
    return [FileUpscaler(models, one) for one in named(models.files.of("upscaler"))]


@dataclass(frozen=True, slots=True)
class FileUpscaler:
    models: ModelStore
    file: Named

    @property
    def name(self) -> str:
        return self.file.name

    def upscale(self, image: Image.Image, scale: float, context: Context) -> Image.Image:
        """By the network's own factor."""

        def on_tile(done: int, count: int) -> None:
            if context.stop.level >= Stop.SKIP:
                raise Interrupted
            context.emit(Progress(f"Upscaling with {self.name}", done, count, done / count))

        side = self.models.side
        with (
            side.lease(self.file.path, lambda: load(self.file.path, side)) as network,
            torch.inference_mode(),
        ):
            pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].to(side.device) / 255
            made = enlarged(pixels, network, _tiles(self.file, context.preferences), on_tile)
        made = (made[0].clamp(0, 1) * 255).round().to(torch.uint8)
        return Image.fromarray(made.permute(1, 2, 0).numpy())


def _tiles(file: Named, preferences: Preferences) -> Tiles:
    size: int = getattr(preferences, f"{file.settings}_tile")
    return Tiles(size, getattr(preferences, f"{file.settings}_tile_overlap"))
