"""The weights of a checkpoint's networks with adapters merged into them, computed in float32 beside the originals."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError

from .adapter_file import read_adapter
from .kinds import Changed, changed
from .layers import UNET, Layer, Layers
from .parts import Parts


@dataclass(frozen=True, slots=True)
class Chosen:
    """An adapter file and how strongly it is to count."""

    path: Path
    text: float
    """In the text encoders."""
    unet: float
    rank: int | None = None
    """How much of the rank of its low-rank changes is used; None is all of it."""

    def strength(self, layer: Layer) -> float:
        return self.unet if layer[0].startswith(f"{UNET}.") else self.text


@dataclass(slots=True)
class Fit:
    """What became of a file's changes in this checkpoint."""

    chosen: Chosen
    fitting: int = 0
    unfitting: int = 0
    """Changes of layers that are not there, or have other sizes."""
    problem: str = ""
    """Why the file cannot be used at all."""


@dataclass(frozen=True, slots=True)
class Merged:
    chosen: tuple[Chosen, ...] = ()
    tensors: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    """By the parameters' paths, as `unet.conv_in.weight`; in the parameters' own type."""
    fits: tuple[Fit, ...] = ()
    embeddings: Mapping[Path, Mapping[str, Tensor]] = field(default_factory=dict[Path, Mapping[str, Tensor]])
    """Textual inversion embeddings that come in the files, by their keys there."""

    @property
    def changes_texts(self) -> bool:
        return any(not path.startswith(f"{UNET}.") for path in self.tensors)

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors.values())


class Merging:
    """Merges one adapter after the other, each into what the ones before it have left, as A1111 does."""

    def __init__(self, layers: Layers, original: Callable[[str], Tensor | None], spare: torch.device) -> None:
        """original: a parameter by its path, as the checkpoint has it; spare: where the results are to wait."""
        self._layers, self._original, self._spare = layers, original, spare
        self._changed: dict[str, Tensor] = {}

    @torch.inference_mode(False)
    @torch.no_grad()
    def merge(self, chosen: Sequence[Chosen]) -> Merged:
        """Files that cannot be read and changes that do not fit are left out; the fits tell of them."""
        read = functools.cache(read_adapter)
        fits: list[Fit] = []
        embeddings: dict[Path, Mapping[str, Tensor]] = {}
        for one in chosen:
            fits.append(Fit(one))
            try:
                file = read(one.path, self._weight("unet.conv_in.weight").device)
            except ModelFileError as error:
                fits[-1].problem = str(error)
                continue
            if file.embeddings:
                embeddings[one.path] = file.embeddings
            for name, parts in file.layers.items():
                if self._merge_layer(name, parts, one):
                    fits[-1].fitting += 1
                else:
                    fits[-1].unfitting += 1
        return Merged(tuple(chosen), self._changed, tuple(fits), embeddings)

    def _merge_layer(self, name: str, parts: Parts, chosen: Chosen) -> bool:
        layer = self._layers.find(name)
        if layer is None:
            return False
        weights = [self._weight(f"{path}.weight") for path in layer]
        biases = [bias for path in layer if (bias := self._now(f"{path}.bias")) is not None]
        one = len(layer) == 1
        weight = weights[0] if one else torch.cat(weights)
        bias = (biases[0] if one else torch.cat(biases)) if biases else None
        here = {part: tensor.to(weight.device) for part, tensor in parts.items()}
        try:
            new = changed(weight, bias, here, chosen.strength(layer), chosen.rank)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            # What torch says of shapes that do not fit: a file made for another kind of checkpoint.
            return False
        if new is None:
            return False
        self._take(layer, [len(weight) for weight in weights], new)
        return True

    def _take(self, layer: Layer, sizes: list[int], new: Changed) -> None:
        for kind, tensor in (("weight", new.weight), ("bias", new.bias)):
            if tensor is not None:
                parts: Sequence[Tensor] = torch.split(tensor, sizes)
                for path, part in zip(layer, parts, strict=True):
                    # A bias may be new: it is then of the weight's type.
                    own = self._original(f"{path}.{kind}")
                    own = self._original(f"{path}.weight") if own is None else own
                    self._changed[f"{path}.{kind}"] = part.to(self._spare, None if own is None else own.dtype)

    def _weight(self, path: str) -> Tensor:
        tensor = self._now(path)
        assert tensor is not None
        return tensor

    def _now(self, path: str) -> Tensor | None:
        """float32, on the network's device."""
        original = self._original(path)
        now = self._changed.get(path, original)
        return now if now is None or original is None else now.to(original.device, torch.float32)
