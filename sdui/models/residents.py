"""The checkpoints in memory: which of them go when others need the room."""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import dataclass
from pathlib import Path

import torch

from . import memory
from .families.base import LoadedModel
from .files import CheckpointFile
from .placement import RAM

log = logging.getLogger(__name__)

_SPARE = 2**30
"""Bytes of RAM that stay free beside the weights: what drawing small pictures takes."""
ACTIVATIONS = 2 * 2**30
"""The same on a GPU, for pictures of the sizes that checkpoints are made for."""

Version = tuple[tuple[Path, int, int], ...]
"""Path, size and time of change of each file that it comes from."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A checkpoint that stays in memory while it is leased."""

    name: str
    sha256: str
    model: LoadedModel


@dataclass(frozen=True, slots=True)
class Room:
    """What the user allows to stay."""

    checkpoints: int = 1
    """In memory, when no job runs."""
    one_on_device: bool = True
    """The others are in RAM."""


@dataclass(slots=True, eq=False)
class Resident:
    file: CheckpointFile
    version: Version
    lease: Lease
    leases: int = 0
    used: int = 0
    """When it was last given back; the lowest has gone unused for longest."""
    expected: bool = False
    """The next job begins with it."""

    def ram(self) -> int:
        """Bytes."""
        placement = self.lease.model.placement
        return placement.bytes() - (0 if placement.device == RAM else placement.on_device())


class Residents:
    """Safe to use from several threads; `changing` may be held to do several things at once."""

    def __init__(self, device: torch.device) -> None:
        self.room = Room()
        self.changing = threading.RLock()
        self._device = device
        self._all: list[Resident] = []
        self._clock = itertools.count(1)

    def find(self, file: CheckpointFile, version: Version) -> Resident | None:
        return next((one for one in self._all if one.file.path == file.path and one.version == version), None)

    def of(self, lease: Lease) -> Resident:
        return next(one for one in self._all if one.lease is lease)

    def take(self, file: CheckpointFile, version: Version) -> Resident | None:
        """Leased, if it is there."""
        with self.changing:
            resident = self.find(file, version)
            if resident:
                resident.leases += 1
                resident.expected = False
            return resident

    def add(self, resident: Resident) -> Resident:
        with self.changing:
            resident.used = next(self._clock)
            self._drop([one for one in self._idle() if one.file.path == resident.file.path])
            self._all.append(resident)
            self.trim()
            return resident

    def give_back(self, resident: Resident) -> None:
        with self.changing:
            resident.leases -= 1
            resident.used = next(self._clock)
            self.trim()

    def expect(self, resident: Resident | None) -> None:
        """It comes on top of the number that may stay, until it is leased."""
        with self.changing:
            for one in self._all:
                one.expected = one is resident and not one.leases
            self.trim()

    def trim(self) -> None:
        """Down to the number that may stay."""
        counted = [one for one in self._all if not one.expected]
        idle = [one for one in self._idle() if not one.expected]
        self._drop(idle[: max(0, len(counted) - self.room.checkpoints)])

    def drop_idle(self) -> None:
        with self.changing:
            self._drop(self._idle())

    def make_room(self, needed: int, *, spill: bool) -> list[CheckpointFile]:
        """Have so many bytes of RAM free, and some to draw with; which checkpoints were dropped, the newest last.

        Does nothing where all of it would not be enough. spill: leased ones may lose their weights, until they are
        activated again.
        """
        dropped: list[CheckpointFile] = []
        with self.changing:
            others = [*self._idle(), *(one for one in self._all if one.leases and spill)]
            if needed > memory.free_ram() + sum(one.ram() for one in others):
                return []
            for one in others:
                if memory.free_ram() >= needed + _SPARE:
                    break
                if not one.leases:
                    dropped.append(one.file)
                self._remove(one)
        return dropped

    def clear_device(self, needed: int, coming: Resident | None) -> None:
        """Move the other checkpoints off a GPU: all of them, or until so many bytes are free."""
        others = [one for one in self._all if one is not coming and one.lease.model.placement.settled]
        for one in sorted(others, key=lambda one: (one.leases > 0, one.used)):
            if not self.room.one_on_device and memory.free_on(self._device) >= needed + ACTIVATIONS:
                return
            self._move_off(one)

    def leave_device(self) -> list[str]:
        """Move all checkpoints off a GPU; the names of those that were there."""
        with self.changing:
            there = [one for one in self._all if one.lease.model.placement.settled]
            for one in there:
                self._move_off(one)
            return [one.lease.name for one in there]

    def _move_off(self, one: Resident) -> None:
        placement = one.lease.model.placement
        if memory.free_ram() >= placement.on_device():
            placement.retreat()
            memory.give_back()
        else:
            self._remove(one)

    def _idle(self) -> list[Resident]:
        """Those that no job holds, in the order in which they would be missed."""
        idle = [one for one in self._all if not one.leases]
        return sorted(idle, key=lambda one: (one.expected, one.used))

    def _remove(self, resident: Resident) -> None:
        if resident.leases:
            resident.lease.model.placement.spill("text", "unet")
            memory.give_back()
        else:
            self._drop([resident])

    def _drop(self, residents: list[Resident]) -> None:
        for one in residents:
            log.info("Unloading %s", one.file.path)
            self._all.remove(one)
            one.lease.model.release()
        if residents:
            memory.give_back()
