"""Output folders with pictures in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core.settings import Preferences
from sdui.history.history import History
from sdui.imaging.store import output_folders

TEXT = "{prompt}\nNegative prompt: {negative}\nSteps: 20, Sampler: {sampler}, Seed: {seed}, Size: 8x8, Model: {model}"


@pytest.fixture
def save(tmp_path) -> Callable[..., Path]:
    """A picture as the store would save it."""

    def saved(
        name: str = "outputs/txt2img-images/1.png",
        prompt: str = "a red apple",
        negative: str = "blurry",
        seed: int = 41,
        model: str = "demo",
        sampler: str = "Euler a",
        day: str = "2026-11-05",
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        chunks = PngInfo()
        text = TEXT.format(prompt=prompt, negative=negative, seed=seed, model=model, sampler=sampler)
        chunks.add_text("parameters", text)
        Image.new("RGB", (8, 8), (seed % 256, 0, 0)).save(path, pnginfo=chunks)
        moment = datetime.fromisoformat(f"{day}T12:00:00").timestamp()
        os.utime(path, (moment, moment))
        return path

    return saved


@pytest.fixture
def trashed() -> list[Path]:
    return []


@pytest.fixture
def open_history(tmp_path, trashed) -> Iterator[Callable[[], History]]:
    """Another one on the same folders, as after a restart."""
    made: list[History] = []

    def trash(path: Path) -> None:
        trashed.append(path)
        path.unlink()

    def opened() -> History:
        folders = lambda: output_folders(tmp_path, Preferences())  # noqa: E731
        made.append(History(tmp_path, tmp_path / "cache", folders, trash))
        return made[-1]

    yield opened
    for history in made:
        history.close()


@pytest.fixture
def history(open_history) -> History:
    return open_history()
