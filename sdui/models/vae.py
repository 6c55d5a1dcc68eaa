"""A VAE at work: pictures to latents and back, in the precision and the memory that there is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sdui.core.errors import RequestError

from . import strips
from .memory import free_on
from .preview import apply_linear, fit_linear

log = logging.getLogger(__name__)

WORDS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
"""What users call the types of numbers."""
_WHOLE, _STRIPS = 2.75, 1.25
"""Memory as a multiple of the two largest tensors at full size, measured on VAEs of several widths."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one picture was computed."""

    dtype: torch.dtype
    redone: bool = False
    """Because the VAE's own precision gave NaN."""
    strips: bool = False


@dataclass(frozen=True, slots=True)
class Fallback:
    """What happens when half precision gives NaN, and who is told."""

    bfloat16: bool = False
    """Try bfloat16 before float32."""
    tell: Callable[[str], None] = log.warning


class Vae:
    """A checkpoint's own, or one in its place; computes one picture at a time, as a batch would need that much memory.

    The network is diffusers' AutoencoderKL, of any type of numbers; where half precision gives NaN, that one picture is
    computed again in a wider type and the network stays as it is, so that no picture depends on those before it.
    """

    def __init__(self, network: Any, scale: float, name: str = "", sha256: str = "") -> None:
        """scale: of the sampler's latents, which are those of the network times this; name, sha256: "" for its own."""
        self.network, self.scale = network, scale
        self.name, self.sha256 = name, sha256
        self.channels: int = network.config.latent_channels
        self.downscale: int = 2 ** (len(network.config.block_out_channels) - 1)
        self.ways: tuple[Way, ...] = ()
        """Of the pictures that were decoded last."""
        self.fallback = Fallback()
        self.sparing = False
        """Work in strips also where there is memory enough."""
        self._dtype: torch.dtype = network.dtype
        self._linear: Tensor | None = None

    def encode(self, images: Tensor, *, scaled: bool = True) -> Tensor:
        """[B,3,H,W] in 0..1 on the device to compute on -> latents [B,C,h,w], the most likely ones, in float32."""
        made = [self._computed(self._encoded, picture[None] * 2 - 1)[0] for picture in images]
        return torch.cat(made)[:, : self.channels].float() * (self.scale if scaled else 1)

    def decode(self, latents: Tensor) -> Tensor:
        """[B,C,h,w] on the device to compute on -> [B,3,H,W] in 0..1, float32. `ways` then says how."""
        made = [self._computed(self._decoded, z[None] / self.scale) for z in latents]
        self.ways = tuple(way for _, way in made)
        return (torch.cat([images for images, _ in made]).float() / 2 + 0.5).clamp(0, 1)

    def decode_bytes(self, width: int, height: int) -> int:
        """About how much memory decoding one picture of this size in pixels takes at least."""
        return self._bytes(width * height, self._dtype, in_strips=True)

    def colours(self, latents: Tensor) -> Tensor:
        """A cheap look: [B,C,h,w] -> [B,3,h,w] in 0..1."""
        if self._linear is None:
            device, ways = latents.device, self.ways
            self._linear = fit_linear(lambda z: self.decode(z.to(device)), self.channels, self.downscale)
            self.ways = ways
        return apply_linear(self._linear, latents)

    def _computed(self, compute: Callable[[Tensor, bool], Tensor], x: Tensor) -> tuple[Tensor, Way]:
        """x in units of the network. Raises RequestError when every type of numbers gives NaN."""
        pixels = x.shape[2] * x.shape[3] * (1 if x.shape[1] == 3 else self.downscale**2)
        for dtype in self._types():
            fits = not self.sparing and self._bytes(pixels, dtype, in_strips=False) <= free_on(x.device)
            with _ready(self.network, x.device, dtype):
                made, in_strips = _in_memory(compute, x.to(dtype), fits)
            if torch.isfinite(made).all():
                return made, Way(dtype, dtype != self._dtype, in_strips)
            if dtype != self._types()[-1]:
                self.fallback.tell(f"The VAE gave NaN in {WORDS[dtype]}; the picture was computed again.")
        whose = "the VAE" if torch.isfinite(x).all() else "the checkpoint"
        name = f" {self.name}" if self.name and whose == "the VAE" else ""
        advice = "Choose another one, or start with --precision fp32."
        if whose == "the checkpoint":
            advice = f"Strong emphasis in the prompt can be the reason. {advice}"
        raise RequestError(f"There is no picture: {whose}{name} gave NaN. {advice}")

    def _types(self) -> tuple[torch.dtype, ...]:
        """The network's own, then those to fall back to."""
        if self._dtype == torch.float32:
            return (self._dtype,)
        half = self.fallback.bfloat16 and self._dtype != torch.bfloat16
        return (self._dtype, *([torch.bfloat16] if half else []), torch.float32)

    def _encoded(self, pixels: Tensor, in_strips: bool) -> Tensor:
        if in_strips:
            return strips.encode(self.network, pixels)
        return self.network.encode(pixels).latent_dist.parameters

    def _decoded(self, z: Tensor, in_strips: bool) -> Tensor:
        return strips.decode(self.network, z) if in_strips else self.network.decode(z).sample

    def _bytes(self, pixels: int, dtype: torch.dtype, *, in_strips: bool) -> int:
        """Encoding takes less than decoding."""
        inner, outer = self.network.config.block_out_channels[1::-1]
        return int((_STRIPS if in_strips else _WHOLE) * (inner + outer) * pixels * dtype.itemsize)


def _in_memory(compute: Callable[[Tensor, bool], Tensor], x: Tensor, fits: bool) -> tuple[Tensor, bool]:
    """As a whole if that fits, else in strips; which of them."""
    if fits:
        try:
            return compute(x, False), False
        except torch.OutOfMemoryError:
            pass  # it was held in too many pieces, or another program has taken it
    log.info("Little memory is free: the VAE works in strips")
    return compute(x, True), True


@contextmanager
def _ready(network: Any, device: torch.device, dtype: torch.dtype) -> Generator[None]:
    """The network there and with such numbers; afterwards it is what and where it was, to the bit.

    It may have been moved away: a VAE's file serves several checkpoints, and previews ask while the UNet computes.
    """
    tensors: list[Tensor] = [*network.parameters(), *network.buffers()]
    before = [tensor.data for tensor in tensors]
    # What is made under inference mode could only be used there.
    with torch.inference_mode(False):
        for tensor, data in zip(tensors, before, strict=True):
            tensor.data = data.to(device, dtype)
    try:
        yield
    finally:
        for tensor, data in zip(tensors, before, strict=True):
            tensor.data = data
