"""What every tensor of a merged checkpoint is made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from sdui.core.errors import RequestError
from sdui.core.merging import MergeRequest

from .ldm import VAE
from .merge_inputs import Inputs
from .tensor_parts import Slot, TensorReader

_POSITIONS = "cond_stage_model.transformer.text_model.embeddings.position_ids"
"""Counts from 0 to 76; some files have it as numbers that a sum would spoil."""
_LATENT_CHANNELS = 4
_KINDS = {9: (".inpainting", "an inpainting"), 8: (".instruct-pix2pix", "an InstructPix2Pix")}
"""By the channels that the UNet's first layer takes: ending of the file's name, and what it is called."""


@dataclass(frozen=True, slots=True)
class _Source:
    readers: tuple[TensorReader, ...]
    """One to copy from, or all to merge."""
    name: str
    """In these files."""


@dataclass(frozen=True, slots=True)
class Plan:
    multiplier: float
    slots: Mapping[str, Slot]
    """Of the result, in A's order."""
    sources: Mapping[str, _Source]
    kind: str
    """Ending of the name of a checkpoint whose UNet takes more than a plain one's: "", ".inpainting", …"""

    @property
    def bytes(self) -> int:
        return sum(slot.bytes for slot in self.slots.values())

    def parts(self, name: str) -> Iterator[Tensor]:
        """The result's numbers, part by part, each [n]."""
        source, slot = self.sources[name], self.slots[name]
        if len({reader.slots[source.name].shape for reader in source.readers}) == 1:
            for parts in zip(*(reader.parts(source.name) for reader in source.readers), strict=True):
                yield self._merged(*parts).to(slot.dtype)
            return
        # The layer is small: 9 channels by 3 x 3 for each of some hundred outputs.
        a, *others = (reader.whole(source.name) for reader in source.readers)
        result = _wide(a)
        result[:, :_LATENT_CHANNELS] = self._merged(a[:, :_LATENT_CHANNELS], *others)
        yield result.to(slot.dtype).reshape(-1)

    def _merged(self, *given: Tensor) -> Tensor:
        """In float32, or float64 where that is given, in A1111's order of operations."""
        if len(given) == 1:
            return given[0]
        a, b, *rest = map(_wide, given)
        if rest:
            return a + self.multiplier * (b - rest[0])
        return (1 - self.multiplier) * a + self.multiplier * b


def _wide(numbers: Tensor) -> Tensor:
    return numbers if numbers.dtype == torch.float64 else numbers.float()


def make_plan(request: MergeRequest, inputs: Inputs) -> Plan:
    """Raises RequestError, naming the tensor, when the models do not go together."""
    first = inputs.models[0]
    left_out = re.compile(request.discard_weights) if request.discard_weights else None
    baked = _baked(inputs.vae, first) if inputs.vae else {}
    slots: dict[str, Slot] = {}
    sources: dict[str, _Source] = {}
    merged, kind = 0, ""
    for name in first.slots:
        source = baked.get(name) or _source(name, inputs.models)
        if len(source.readers) > 1:
            merged += 1
            kind = kind or _kind(name, source.readers)
        if left_out and left_out.search(name):
            continue
        slots[name], sources[name] = _slot(source, request.half), source
    if len(inputs.models) > 1 and not merged:
        names = " and ".join(reader.path.name for reader in inputs.models)
        raise RequestError(f"Interpolation Method: {names} have no weights in common, so there is nothing to merge.")
    if not slots:
        raise RequestError("Discard weights with matching name: nothing would be left of the checkpoint.")
    return Plan(request.multiplier, slots, sources, kind)


def _baked(vae: TensorReader, first: TensorReader) -> dict[str, _Source]:
    """By the name in the checkpoint. Files of VAEs name their parts without the checkpoint's prefix."""
    names = [name for name in vae.slots if not name.startswith(("loss", "model_ema."))]
    found = {f"{VAE}{name}": _Source((vae,), name) for name in names if f"{VAE}{name}" in first.slots}
    if not found:
        raise RequestError(f"Bake in VAE: {vae.path} has no weights for the VAE of {first.path.name}.")
    return found


def _source(name: str, models: list[TensorReader]) -> _Source:
    """All that have a network's weights are merged; counters, tables and what the others lack come from A."""
    everywhere = all(name in reader.slots and reader.slots[name].dtype.is_floating_point for reader in models)
    if everywhere and "model" in name and name != _POSITIONS:
        return _Source(tuple(models), name)
    return _Source((models[0],), name)


def _kind(name: str, readers: tuple[TensorReader, ...]) -> str:
    """Raises RequestError when the shapes differ but for the channels that only A's UNet takes."""
    a, *others = (reader.slots[name].shape for reader in readers)
    if all(shape == a for shape in others):
        return ""
    b = others[0]
    alike = len(a) == len(b) > 1 and (a[0], *a[2:]) == (b[0], *b[2:]) and all(shape == b for shape in others)
    if alike and a[1] in _KINDS and b[1] == _LATENT_CHANNELS:
        return _KINDS[a[1]][0]
    if alike and b[1] in _KINDS and a[1] == _LATENT_CHANNELS:
        what = _KINDS[b[1]][1]
        raise RequestError(
            f"Primary model (A): {readers[1].path.name} is {what} checkpoint and {readers[0].path.name} is not; "
            f"{what} checkpoint must be model A."
        )
    shapes = ", ".join(f"{'x'.join(map(str, reader.slots[name].shape))} in {reader.path.name}" for reader in readers)
    raise RequestError(f"Interpolation Method: these models cannot be merged, {name} is {shapes}.")


def _slot(source: _Source, half: bool) -> Slot:
    given = [reader.slots[source.name] for reader in source.readers]
    dtypes = {slot.dtype for slot in given}
    # torch has no type that two kinds of eight bits, or eight bits and more, would have in common.
    dtype = reduce(torch.promote_types, (kind if kind.itemsize > 1 else torch.float16 for kind in dtypes))
    dtype = dtype if len(dtypes) > 1 else given[0].dtype
    return Slot(torch.float16 if half and dtype.is_floating_point else dtype, given[0].shape)
