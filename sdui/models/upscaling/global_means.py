"""Networks that look at the mean of the whole picture (channel attention) see it in every tile as well.

A first round over all tiles measures each such layer's mean, the second computes with it. DAT's channel attention, that
compares whole channels, still sees one tile at a time: there 99.97 % of the values are within 1/255 (tiles of 128).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

Shares = tuple[tuple[float, float], tuple[float, float]]
"""From where to where, down and across, as shares of what is seen."""


class GlobalMeans:
    def __init__(self, network: nn.Module) -> None:
        self._layers = [one for one in network.modules() if isinstance(one, nn.AdaptiveAvgPool2d) and _is_mean(one)]
        self._sums: dict[nn.Module, Tensor] = {}
        self._counts: dict[nn.Module, int] = {}
        self._part: Shares = ((0, 1), (0, 1))

    def __bool__(self) -> bool:
        """Whether the network has such layers."""
        return bool(self._layers)

    @contextmanager
    def measured(self) -> Generator[Callable[[Shares], None]]:
        """While it lasts, each run adds to the means; to be told before each which part of the seen is the tile's."""
        self._sums.clear()
        self._counts.clear()

        def add(layer: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
            rows, columns = (
                slice(round(begin * length), round(end * length))
                for (begin, end), length in zip(self._part, given[0].shape[2:], strict=True)
            )
            part = given[0][..., rows, columns]
            self._sums[layer] = self._sums.get(layer, 0) + part.sum((2, 3), keepdim=True)
            self._counts[layer] = self._counts.get(layer, 0) + part.shape[2] * part.shape[3]

        def tell(part: Shares) -> None:
            self._part = part

        with self._hooked(add):
            yield tell

    @contextmanager
    def used(self) -> Generator[None]:
        """What was measured takes the place of each tile's own means."""

        means = {layer: total / self._counts[layer] for layer, total in self._sums.items()}

        def replaced(layer: nn.Module, given: Any, made: Tensor) -> Tensor:
            return means[layer]

        with self._hooked(replaced):
            yield

    @contextmanager
    def _hooked(self, hook: Any) -> Generator[None]:
        with ExitStack() as hooks:
            for layer in self._layers:
                hooks.callback(layer.register_forward_hook(hook).remove)
            yield


def _is_mean(layer: nn.AdaptiveAvgPool2d) -> bool:
    return layer.output_size in (1, (1, 1))
