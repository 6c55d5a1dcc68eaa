"""Pictures whose opposite edges fit together: convolutions that see the other edge instead of zeros beyond theirs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def circular_padding(*networks: Any) -> Generator[None]:
    """While it lasts, every convolution's own padding wraps around.

    What a network pads outside its convolutions, as the VAE's encoder does before it halves, stays as it is: A1111
    leaves it too.
    """
    layers: list[Any] = [layer for network in networks for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    before = [layer.padding_mode for layer in layers]
    for layer in layers:
        layer.padding_mode = "circular"
    try:
        yield
    finally:
        for layer, mode in zip(layers, before, strict=True):
            layer.padding_mode = mode
