"""Checkpoints in memory: small different ones, what they compute, and a machine with less memory than this one."""

import os
import threading
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from sdui.models import memory, residents
from sdui.models.files import ModelFiles
from sdui.models.store import ModelStore
from sdui.models.text import Texts
from tests.support.variants import random_weights

X = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))


def write_checkpoints(folder: Path, *names: str) -> None:
    weights = random_weights(folder)
    (folder / "random.safetensors").unlink()
    for number, name in enumerate(names):
        save_file({key: tensor * (1 + number / 8) for key, tensor in weights.items()}, folder / f"{name}.safetensors")


def make_store(folder: Path, **options) -> ModelStore:
    return ModelStore(ModelFiles({"checkpoint": [folder]}, folder / "cache"), **{"device": "cpu"} | options)


def garble(path: Path) -> None:
    """Another file of the same name, size, header and time, that holds nothing but zeros."""
    stat, other = path.stat(), path.with_suffix(".other")
    save_file({key: torch.zeros_like(tensor) for key, tensor in load_file(path).items()}, other)
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_size == stat.st_size


def wait_for_reader() -> None:
    """Until the checkpoint of the next job was read ahead."""
    for thread in threading.enumerate():
        if thread.name == "read-ahead":
            thread.join(60)


@torch.inference_mode()
def computed(model, device: str = "cpu") -> list[torch.Tensor]:
    """What each of its networks makes of something."""
    tokens = torch.full((1, 1, 77), 49407)
    told = model.encode_text(Texts(tokens, torch.ones(tokens.shape)))
    x = X.to(device)
    return [told.context, model.denoise(x, 1.0, 400.0, told), model.decode(x), model.encode_image(model.decode(x))]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class SmallMachine:
    """Pretends that so many of the tiny checkpoints fit into memory; counts what the store holds."""

    def __init__(self, monkeypatch, store: ModelStore, checkpoints: float) -> None:
        self._store = store
        file = store.files.checkpoints()[0]
        self.one = memory.weight_bytes(file.header.shapes, store.dtype, store.dtype)
        self.total = self.one * checkpoints
        monkeypatch.setattr(memory, "free_ram", self.free)
        monkeypatch.setattr(residents, "_SPARE", 0)

    def free(self) -> int:
        held = sum(one.lease.model.placement.bytes() for one in self._store._residents._all)
        return int(self.total - held)
