"""The hashes under which model files are known: A1111's, Civitai's and kohya's.

AutoV1, AutoV2 and AutoV3 are Civitai's names for them (https://github.com/civitai/civitai/wiki/REST-API-Reference).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sdui.core.catalog import SHORT

_BLOCK = 2**18
"""Bytes read at once: few, so that hashing can be interrupted and leaves the disk to others."""
_V1_START, _V1_LENGTH, _V1_DIGITS = 2**20, 2**16, 8
_NETWORK_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Hashes:
    """All that is known of one file, in lower case; "" where it is unknown or there is none."""

    sha256: str = ""
    """64 hex digits over the whole file."""
    autov1: str = ""
    """A1111's first one, 8 digits: the SHA-256 of the 64 kB after the first MB. Files may share it."""
    autov3: str = ""
    """64 digits over a safetensors file after its header, so that editing the metadata leaves it as it is.

    kohya's sd-scripts and the additional-networks extension call it the addnet hash.
    """
    declared: str = ""
    """`sshs_model_hash` of the metadata: the addnet hash that kohya's trainer wrote when it saved the file."""
    legacy: str = ""
    """`sshs_legacy_hash` of the metadata: AutoV1 of what the trainer saved."""

    @property
    def autov2(self) -> str:
        """The 10 digits of A1111's titles and of "Model hash"."""
        return self.sha256[:SHORT]

    @property
    def network(self) -> str:
        """The 12 digits of "Lora hashes", which are the trainer's where it wrote some."""
        return (self.declared or self.autov3 or self.sha256)[:_NETWORK_DIGITS]

    @property
    def known(self) -> tuple[str, ...]:
        return tuple(h for h in (self.sha256, self.autov1, self.autov3, self.declared, self.legacy) if h)


@dataclass(frozen=True, slots=True)
class Computed:
    """What reading a file gives, named as in `Hashes`."""

    sha256: str
    autov1: str
    autov3: str


def no_break() -> None: ...


def sha256_of(path: Path) -> str:
    """Of a file, or of the names and contents of a diffusers folder's files. Raises OSError."""
    return _of_folder(path, no_break) if path.is_dir() else _digest(path, no_break)


def autov1_of(path: Path) -> str:
    """Reads 64 kB. "" for a folder. Raises OSError."""
    if path.is_dir():
        return ""
    with path.open("rb") as file:
        file.seek(_V1_START)
        return hashlib.sha256(file.read(_V1_LENGTH)).hexdigest()[:_V1_DIGITS]


def compute(path: Path, on_block: Callable[[], None] = no_break) -> Computed:
    """Reads the whole file once; `on_block` is called between two blocks and may wait or raise. Raises OSError."""
    if path.is_dir():
        return Computed(_of_folder(path, on_block), "", "")
    if path.suffix.lower() != ".safetensors":
        return Computed(_digest(path, on_block), autov1_of(path), "")
    whole, tensors = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        prefix = file.read(8)
        whole.update(prefix)
        in_header = int.from_bytes(prefix, "little")
        for block in _blocks(file, on_block):
            whole.update(block)
            tensors.update(memoryview(block)[in_header:])
            in_header = max(0, in_header - len(block))
    return Computed(whole.hexdigest(), autov1_of(path), tensors.hexdigest())


def _digest(path: Path, on_block: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in _blocks(file, on_block):
            digest.update(block)
    return digest.hexdigest()


def _of_folder(path: Path, on_block: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    for inner in sorted(path.rglob("*")):
        if inner.is_file():
            digest.update(f"{inner.relative_to(path).as_posix()}\0{_digest(inner, on_block)}\0".encode())
    return digest.hexdigest()


def _blocks(file: BinaryIO, on_block: Callable[[], None]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
        on_block()
