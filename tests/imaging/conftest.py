"""Finished pictures and broken disks for the tests of saving."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from sdui.core.events import GeneratedImage
from sdui.core.request import GenerationRequest
from sdui.imaging import numbering
from sdui.imaging.store import OutputStore
from tests.support.disks import fill, make_read_only, mounted


@pytest.fixture
def store(tmp_path):
    store = OutputStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def make_image():
    def make(seed: int = 7, prompt: str = "a cat", kind: str = "image", size: tuple[int, int] = (16, 24)):
        pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
        request = GenerationRequest(prompt=prompt, negative_prompt="bad", seed=seed, width=64, height=64, model="m")
        return GeneratedImage(pixels, request, {"Version": "test"}, kind)

    return make


def _pretend(monkeypatch, folder: Path, code: int) -> None:
    """Where nothing can be mounted: every write into `folder` fails with `code`."""

    def failing(write):
        def write_or_fail(path: Path, data: bytes) -> None:
            if path.is_relative_to(folder):
                raise OSError(code, "pretended", str(path))
            write(path, data)

        return write_or_fail

    for name in ("write_new", "write_atomic"):
        monkeypatch.setattr(numbering, name, failing(getattr(numbering, name)))


@pytest.fixture(params=[0, 12_000], ids=["full", "nearly full"])
def full_disk(request, tmp_path, monkeypatch):
    """No place for a picture; when nearly full there is some for its number."""
    folder = tmp_path / "disk"
    with mounted(folder) as is_real:
        if is_real:
            fill(folder, request.param)
        else:
            _pretend(monkeypatch, folder, errno.ENOSPC)
        yield folder


@pytest.fixture
def read_only_disk(tmp_path, monkeypatch):
    folder = tmp_path / "disk"
    with mounted(folder) as is_real:
        if is_real:
            make_read_only(folder)
        else:
            _pretend(monkeypatch, folder, errno.EROFS)
        yield folder
