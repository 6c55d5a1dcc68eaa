"""One adapter file: the tensors of each layer's change, under the names that the file gives the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models.weights import Weights

from .keys import BUNDLED, parse_key
from .parts import Parts

_SHORT = 12
"""Hex digits in an infotext."""


@dataclass(frozen=True, slots=True)
class AdapterFile:
    layers: Mapping[str, Parts]
    embeddings: Mapping[str, Tensor]
    """Of textual inversion, by their full keys."""


def read_adapter(path: Path, device: torch.device) -> AdapterFile:
    """In float32 on the device; numbers and flags may be of other types. Raises ModelFileError, naming the file."""
    layers: dict[str, dict[str, Tensor]] = {}
    embeddings: dict[str, Tensor] = {}
    for name, tensor in Weights(path).read("", device, torch.float32).items():
        if name.startswith(BUNDLED):
            embeddings[name] = tensor
        elif key := parse_key(name):
            layers.setdefault(key.layer, {})[key.part] = tensor
    if not layers and not embeddings:
        raise ModelFileError(f"{path} is no LoRA: it has no tensors of any kind that sdui knows.")
    return AdapterFile(layers, embeddings)
