"""The adapters of one loaded checkpoint: merged weights take the place of its own for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from .layers import Layers
from .merged import Chosen, Merged, Merging

_KEPT = 2
"""Merged sets that are kept: hires fix may have other adapters in each of its passes."""

_Version = tuple[Chosen, int, int]


class Adapters:
    """Swaps tensors in and out and never computes one back, so that what comes back is the original to the bit.

    The last sets stay in memory: the next job with the same adapters then begins at once.
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        """networks: see `Layers`."""
        self._networks = networks
        self._layers: Layers | None = None
        self._active = Merged()
        self._originals: dict[str, Tensor | None] = {}
        self._kept: OrderedDict[tuple[_Version, ...], Merged] = OrderedDict()

    @property
    def active(self) -> Merged:
        """What counts now."""
        return self._active

    @property
    def text_state(self) -> str:
        """Changes with what the adapters make of the text encoders."""
        if not self._active.changes_texts:
            return ""
        return repr([(*_version(one)[1:], str(one.path), one.text, one.rank) for one in self._active.chosen])

    @contextmanager
    def applied(self, chosen: Sequence[Chosen]) -> Generator[Merged]:
        """While it lasts, these count on top of those that already do.

        `Merged.fits` tells what became of all of them, those that counted before first.
        """
        before, merged = self._active, self._merged((*self._active.chosen, *chosen))
        try:
            self._put(merged)
            yield merged
        finally:
            self._put(before)

    def release(self) -> None:
        """Give the memory of the kept sets back."""
        self._kept.clear()

    def _merged(self, chosen: tuple[Chosen, ...]) -> Merged:
        key = tuple(_version(one) for one in chosen)
        if not chosen:
            return Merged()
        if key not in self._kept:
            self._make_room()
            if self._layers is None:
                self._layers = Layers(self._networks)
            self._kept[key] = Merging(self._layers, self._original, self._spare()).merge(chosen)
        self._kept.move_to_end(key)
        made = self._kept[key]
        self._make_room()
        return made

    def _make_room(self) -> None:
        """What is kept takes no more than as much again is free."""
        while self._kept and (len(self._kept) > _KEPT or self._kept_bytes() > _free_bytes(self._spare())):
            self._kept.popitem(last=False)

    def _kept_bytes(self) -> int:
        return sum(merged.bytes for merged in self._kept.values())

    def _spare(self) -> torch.device:
        """Where tensors wait that are not in use: beside the networks where they fit in twice, else in main memory."""
        weights = [weight for network in self._networks.values() for weight in network.parameters()]
        device = weights[0].device
        in_reach = device.type != "cuda" or sum(weight.nbytes for weight in weights) < _free_bytes(device)
        return device if in_reach else torch.device("cpu")

    def _put(self, merged: Merged) -> None:
        """Exchange what counts now for another set."""
        for path, tensor in self._originals.items():
            self._set(path, tensor)
        self._originals = {}
        spare = self._spare()
        for path, tensor in merged.tensors.items():
            now = self._tensor(path)
            self._originals[path] = None if now is None else now.to(spare)
            self._set(path, tensor)
        self._active = merged

    def _original(self, path: str) -> Tensor | None:
        now, original = self._tensor(path), self._originals.get(path)
        if path not in self._originals:
            return now
        return None if original is None or now is None else original.to(now.device)

    def _tensor(self, path: str) -> Tensor | None:
        module, name = self._owner(path)
        held = getattr(module, name, None)
        return None if held is None else held.data

    def _set(self, path: str, tensor: Tensor | None) -> None:
        """On the device on which the parameter is by now: the network may have been moved in between."""
        module, name = self._owner(path)
        held: Any = getattr(module, name)
        if tensor is None:
            setattr(module, name, None)
        elif held is None:
            setattr(module, name, nn.Parameter(tensor.to(module.weight.device), requires_grad=False))
        else:
            held.data = tensor.to(held.device)

    def _owner(self, path: str) -> tuple[Any, str]:
        network, _, rest = path.partition(".")
        module, _, name = rest.rpartition(".")
        return self._networks[network].get_submodule(module), name


def _version(chosen: Chosen) -> _Version:
    """-1 for a file that has just vanished."""
    try:
        stat = chosen.path.stat()
    except OSError:
        return chosen, -1, -1
    return chosen, stat.st_size, stat.st_mtime_ns


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
