"""Which checkpoints are in memory and which is on the device; `lease` is the only way to get one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch

from sdui.core.catalog import Checkpoint
from sdui.core.errors import ModelFileError, RequestError, SduiError

from . import ldm, memory
from .families import family_of
from .families.base import Family, Source
from .families.others import kind_of
from .files import CheckpointFile, ModelFiles
from .placement import RAM, Mode, Vram, fastest_mode
from .read_ahead import ReadAhead, Wish
from .residents import ACTIVATIONS, Lease, Resident, Residents, Room, Version
from .side_models import SideModels
from .vae_files import VaeStore

log = logging.getLogger(__name__)

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_SDXL = "conditioner.embedders."
_ADVICE = "Close other programs, or choose a smaller checkpoint or --precision fp16."


class ModelStore:
    """Holds what is leased; of the rest, as much as `room` and the memory allow."""

    def __init__(
        self,
        files: ModelFiles,
        device: str = "auto",
        precision: str = "auto",
        vram: Vram | None = None,
        *,
        half_vae: bool = True,
    ) -> None:
        """device: auto, cpu, cuda, cuda:N or mps; precision: auto, fp32, fp16 or bf16; half_vae: VAEs too.

        Raises RuntimeError or AssertionError, as torch does, for a device that is not there.
        """
        self.files = files
        self.device = torch.empty(0, device=_best_device() if device == "auto" else device).device
        on_gpu = self.device.type in ("cuda", "mps")
        self.dtype = _DTYPES["fp16" if on_gpu else "fp32"] if precision == "auto" else _DTYPES[precision]
        self._vae_dtype = self.dtype if half_vae else torch.float32
        self.vaes = VaeStore(files, self.device, self._vae_dtype)
        self.side = SideModels(self.device, self.dtype)
        self._vram = vram or Vram()
        self._residents = Residents(self.device)
        self._reading = threading.Lock()
        """Held while a file is read, and taken before `changing` where both are needed."""
        self._ahead = ReadAhead(self._read_ahead)

    @property
    def room(self) -> Room:
        """May be exchanged between jobs."""
        return self._residents.room

    @room.setter
    def room(self, room: Room) -> None:
        self._residents.room = room

    def catalog(self) -> tuple[Checkpoint, ...]:
        return self.files.catalog()

    @contextmanager
    def lease(self, name: str, sha256: str, on_load: Callable[[str], None]) -> Generator[Lease]:
        """A checkpoint by name or first digits of its hash, ready to compute with.

        `on_load` is told its name when it must be read first. Raises ModelNotFound, ModelFileError, or RequestError for
        want of memory; the checkpoints that were there before then still are.
        """
        resident = self._held(self.files.find(name, sha256), on_load)
        try:
            self.activate(resident.lease)
            yield resident.lease
        finally:
            self._residents.give_back(resident)

    def activate(self, lease: Lease) -> None:
        """Make a leased checkpoint the one that computes: others may have taken its place on the device or in RAM.

        Raises ModelFileError when it had to be read again and could not, RequestError for want of memory.
        """
        placement = lease.model.placement
        if placement.settled:
            return
        with self._residents.changing:
            resident = self._residents.of(lease)
        if placement.spilled:
            self._refill(resident)
        with self._residents.changing, _in_words(resident.file):
            if self.device != RAM:
                self._residents.clear_device(placement.bytes() - placement.on_device(), resident)
            mode = self._mode(resident.file, memory.free_on(self.device) + placement.on_device())
            placement.settle(self.device, mode)

    def expect(self, wish: Wish | None) -> None:
        """The next job begins with this one: read it into RAM in the background, if there is room. Returns at once."""
        self._ahead.ask(wish)

    def leave_device(self) -> list[str]:
        """Everything that is on a GPU goes to RAM, or where that is full, away; the names of the checkpoints."""
        if self.device == RAM:
            return []
        self.side.drop_idle()
        return self._residents.leave_device()

    def described(self) -> str:
        """What draws, in words."""
        numbers = next(name for name, dtype in _DTYPES.items() if dtype == self.dtype)
        if self.device.type != "cuda":
            return f"{self.device}, {numbers}"
        card, total = torch.cuda.get_device_name(self.device), torch.cuda.mem_get_info(self.device)[1]
        return f"{self.device}, {card}, {total / 2**30:.1f} GiB, {numbers}"

    def unload_all(self) -> None:
        """But what is leased."""
        self._residents.drop_idle()
        self.side.drop_idle()

    def _held(self, file: CheckpointFile, on_load: Callable[[str], None]) -> Resident:
        version = _version(file)
        resident = self._residents.take(file, version)
        if resident:
            return resident
        on_load(file.name)
        with self._reading:
            # It may have been read ahead while this one waited.
            resident = self._residents.take(file, version)
            return resident or self._residents.add(Resident(file, version, self._read(file), leases=1))

    def _read_ahead(self, wish: Wish | None) -> None:
        if wish is None:
            self._residents.expect(None)
            return
        file = self.files.find(wish.name, wish.sha256)
        version = _version(file)
        _, needed = self._usable(file)
        with self._reading:
            resident = self._residents.find(file, version)
            self._residents.expect(resident)
            if resident is None:
                self._residents.make_room(needed + wish.spare, spill=False)
                if memory.free_ram() < needed + wish.spare:
                    return
                resident = self._residents.add(Resident(file, version, self._load(file, RAM), expected=True))
            if not self._ahead.wants(wish):
                self._residents.expect(None)

    def _read(self, file: CheckpointFile) -> Lease:
        """What had to make room for it is read again when this fails."""
        _, needed = self._usable(file)
        home = RAM
        if self.device != RAM:
            with self._residents.changing:
                self._residents.clear_device(needed, None)
                if self._mode(file, memory.free_on(self.device)) == "all":
                    home = self.device
        dropped = self._residents.make_room(needed, spill=True) if home == RAM else []
        if home == RAM and memory.free_ram() < needed:
            raise _too_large(file, needed)
        try:
            return self._load(file, home)
        except SduiError as error:
            # Without the frames of the one that was raised, which hold what had been read.
            failure = type(error)(str(error))
        memory.give_back()
        self._restore(dropped)
        raise failure

    def _restore(self, dropped: list[CheckpointFile]) -> None:
        """The last one used; the others are read when they are asked for."""
        for file in dropped[-1:]:
            try:
                self._residents.add(Resident(file, _version(file), self._load(file, RAM)))
            except SduiError as error:
                log.warning("%s had to make room and cannot be loaded again: %s", file.path, error)

    def _refill(self, resident: Resident) -> None:
        file = resident.file
        if _version(file) != resident.version:
            raise ModelFileError(f"{file.path} was changed while it was in use. Start the job again.")
        log.info("Reading %s again: there was not enough memory to keep it", file.path)
        with self._reading:
            resident.lease.model.placement.refill(self._read(file).model.placement)

    def _usable(self, file: CheckpointFile) -> tuple[Family, int]:
        """How it is loaded, and the bytes that it will take. Raises ModelFileError or RequestError."""
        if file.header is None:
            raise ModelFileError(file.problem)
        family = family_of(file.header.shapes)
        if family is None:
            raise RequestError(f"Checkpoint: {file.path} cannot be used. {kind_of(file.header.shapes)}")
        return family, memory.weight_bytes(file.header.shapes, self.dtype, self._vae_dtype)

    def _load(self, file: CheckpointFile, home: torch.device) -> Lease:
        family, _ = self._usable(file)
        started = time.monotonic()
        taesd = self.files.folders("taesd")
        # Weights made under inference mode could only be used there.
        with torch.inference_mode(False), _in_words(file):
            model = family.load(Source(file.path, file.config, home, self.dtype, taesd, self._vae_dtype))
        if home != self.device:
            model.placement.retreat()
        log.info("Loaded %s in %.1f s", file.path, time.monotonic() - started)
        return Lease(file.name, self.files.sha256(file), model)

    def _mode(self, file: CheckpointFile, free: int) -> Mode:
        """free: bytes that there are for the checkpoint on the device."""
        if self.device == RAM:
            return "all"
        assert file.header
        shapes = file.header.shapes
        wanted = self._vram.sdxl if any(name.startswith(_SDXL) for name in shapes) else self._vram.mode
        if wanted != "auto":
            return wanted
        if self.device.type != "cuda":
            return "all"
        unet = {name: shape for name, shape in shapes.items() if name.startswith(ldm.UNET)}
        whole, largest = (memory.weight_bytes(part, self.dtype, self._vae_dtype) for part in (shapes, unet))
        return fastest_mode(whole, largest, free - ACTIVATIONS)


def _version(file: CheckpointFile) -> Version:
    """Changes whenever the file, or the .yaml beside it, does."""
    stats = [(path, path.stat()) for path in (file.path, file.config) if path and path.exists()]
    return tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


@contextmanager
def _in_words(file: CheckpointFile) -> Generator[None]:
    """Want of memory as a RequestError; torch's CPU allocator has no exception of its own for it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise RequestError(f"Checkpoint: there is not enough memory for {file.path}. {_ADVICE}") from error


def _too_large(file: CheckpointFile, needed: int) -> RequestError:
    return RequestError(
        f"Checkpoint: {file.path} needs about {needed / 2**30:.1f} GB of memory, {memory.free_ram() / 2**30:.1f} GB "
        f"are free. {_ADVICE}"
    )


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
