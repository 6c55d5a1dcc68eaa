"""Hypernetworks, as A1111 trains them: small networks that change the text (or picture) a UNet's attention looks at.

For each width of what is looked at a file has two networks, one before the keys and one before the values; their output
times a strength is added to their input.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import activation

from sdui.core.errors import ModelFileError

from .weights import Weights

_OLD_NAMES = {"linear1": "linear.0", "linear2": "linear.1"}
_NO_ACTIVATION = (None, "linear")
Chosen = Sequence[tuple["Hypernetwork", float]]
"""With their strengths, in the order in which they act."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypernetwork:
    layers: Mapping[int, tuple[nn.Module, nn.Module]]
    """For each width of what attention looks at, what comes before the keys and before the values."""


@dataclass(frozen=True, slots=True)
class _Build:
    """How a file's networks are built; what it does not say has the default of files from before that was a choice."""

    structure: Sequence[float]
    """Widths, in widths of the input."""
    activation: str | None
    norm: bool
    activate_output: bool
    dropout: Sequence[float]
    """After each width; without effect outside of training, but the layers are counted with it."""

    @classmethod
    def of(cls, facts: Mapping[str, str]) -> _Build:
        """Raises ValueError or TypeError."""

        def said(name: str, default: Any) -> Any:
            value = json.loads(facts.get(name, "null"))
            return default if value is None else value

        structure, chosen = said("layer_structure", [1, 2, 1]), facts.get("activation_func", "null")
        dropout = said("dropout_structure", None)
        if dropout is None:
            dropout = [0.0] * len(structure)
            if said("use_dropout", False):
                last = 0.3 if said("last_layer_dropout", False) else 0.0
                dropout = [0.0, *[0.3] * (len(structure) - 3), last, 0.0]
        return cls(
            structure,
            None if chosen == "null" else chosen,
            said("is_layer_norm", False),
            said("activate_output", True),
            dropout,
        )

    def network(self, width: int) -> nn.Sequential:
        """With meaningless weights. Raises ValueError for an unknown activation."""
        widths = [int(width * factor) for factor in self.structure]
        layers: list[nn.Module] = []
        for index, (there, here) in enumerate(pairwise(widths), start=1):
            layers.append(nn.Linear(there, here))
            if self.activation not in _NO_ACTIVATION and (self.activate_output or index + 1 < len(widths)):
                layers.append(_activation(str(self.activation)))
            if self.norm:
                layers.append(nn.LayerNorm(here))
            if self.dropout[index] > 0:
                layers.append(nn.Identity())
        return nn.Sequential(*layers)


def read_hypernetwork(path: Path, device: torch.device, dtype: torch.dtype) -> Hypernetwork:
    """Raises ModelFileError."""
    weights = Weights(path)
    tensors = weights.read("", device, dtype)
    sizes = sorted({int(size) for name in tensors if (size := name.partition(".")[0]).isdecimal()})
    if not sizes:
        raise ModelFileError(f"{path} is no hypernetwork: it has no layers by their width.")
    try:
        build = _Build.of(weights.header.metadata)
        layers = {size: _pair(build, size, tensors) for size in sizes}
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        raise ModelFileError(f"{path} cannot be loaded, its layers are not as it describes them: {error}") from error
    return Hypernetwork(layers)


@contextmanager
def applied(unet: Any, chosen: Chosen) -> Generator[None]:
    """While it lasts, these count in all attention of diffusers' `unet`, one after another, with their strengths."""
    with ExitStack() as hooks:
        for module in unet.modules():
            if chosen and hasattr(module, "to_k") and hasattr(module, "to_v"):
                for which, projection in enumerate((module.to_k, module.to_v)):
                    hooks.callback(projection.register_forward_pre_hook(_hook(chosen, which)).remove)
        yield


def _hook(chosen: Chosen, which: int) -> Callable[[Any, tuple[Tensor, ...]], tuple[Tensor]]:
    def change(projection: Any, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        (seen,) = args
        for hypernetwork, strength in chosen:
            if pair := hypernetwork.layers.get(seen.shape[-1]):
                seen = seen + pair[which](seen) * strength
        return (seen,)

    return change


def _of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Of one network, under the names of its layers: "0.weight"."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            module, _, kind = name.removeprefix(prefix).rpartition(".")
            found[f"{_OLD_NAMES.get(module, module).removeprefix('linear.')}.{kind}"] = tensor
    return found


def _pair(build: _Build, width: int, tensors: Mapping[str, Tensor]) -> tuple[nn.Module, nn.Module]:
    """Raises RuntimeError where the weights are others than those of the build."""
    with torch.device("meta"):
        pair = build.network(width), build.network(width)
    for which, network in enumerate(pair):
        network.load_state_dict(_of(tensors, f"{width}.{which}."), assign=True)
        network.eval().requires_grad_(False)
    return pair


def _activation(name: str) -> nn.Module:
    """Raises ValueError."""
    known = {cls.lower(): getattr(activation, cls) for cls in activation.__all__} | {"swish": nn.Hardswish}
    if name not in known:
        raise ValueError(f"there is no activation {name!r}.")
    return known[name]()
