"""Enlarging pictures: the upscalers that need no network, and those of extensions, one way for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PIL import Image

from sdui.core.errors import RequestError
from sdui.extensions.contracts import Context, Upscaler
from sdui.extensions.host import Host
from sdui.imaging.resize import UPSCALERS, Upscale, resampled, upscaled
from sdui.models.store import ModelStore


@dataclass(frozen=True, slots=True)
class Upscalers:
    host: Host
    models: ModelStore

    def names(self) -> tuple[str, ...]:
        """The three without a network come first."""
        return (*UPSCALERS, *(one.name for one in self._networks()))

    def check(self, name: str) -> None:
        """Raises RequestError for an unknown one."""
        if name not in self.names():
            raise RequestError(f"Upscaler: there is no {name!r}; known are {', '.join(self.names())}.")

    def upscaled(self, image: Image.Image, scale: float, name: str, context: Context) -> Image.Image:
        """RGB at `scale` times its size, sides rounded down to multiples of 8."""
        return upscaled(image, scale, self.used(name, context))

    def used(self, name: str, context: Context) -> Upscale:
        """One pass of it. Raises RequestError for an unknown one."""
        self.check(name)
        if name in UPSCALERS:
            return partial(resampled, name=name)
        upscaler = next(one for one in self._networks() if one.name == name)
        return partial(upscaler.upscale, context=context)

    def _networks(self) -> list[Upscaler]:
        return [one for several in self.host.every("upscalers", models=self.models) for one in several]
