"""What a program gets: the server's own share of a call, many clients at once, and what is left after kill -9."""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image

from sdui.api import sdapi
from sdui.core.catalog import Catalog
from sdui.core.events import Emit, GeneratedImage, ImageReady, StopToken
from sdui.core.launch import Launch
from sdui.core.networks import EmbeddingFacts, Library
from sdui.core.request import GenerationRequest, Task
from sdui.core.settings import Preferences, SettingsFile
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.serving import listen

from .rows import Row

_GROUP = "API"
_CALLS = 40
_SIDE = 512


def measure_api() -> Iterator[Row]:
    yield from _overhead()


class _Instant:
    """A worker whose picture is there already: what a call takes is what the server adds."""

    name = "instant"

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels

    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None:
        assert isinstance(task, GenerationRequest)
        emit(ImageReady(GeneratedImage(self._pixels, task, {"Version": "bench"})))

    def catalog(self) -> Catalog:
        return Catalog()

    fresh_catalog = catalog

    def library(self) -> Library:
        raise NotImplementedError

    def metadata(self, checkpoint: str) -> dict[str, str]:
        return {}

    def embedding_sizes(self, prompt: str) -> dict[str, int]:
        return {}

    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]:
        return {}

    def memory(self) -> dict[str, dict[str, Any]]:
        return {}

    def prepare(self, task: Task | None) -> None: ...
    def close(self) -> None: ...


def _overhead() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, _serving(Path(folder)) as url, httpx.Client() as client:
        for name, body in (
            ("txt2img, 512x512 PNG in the answer", {}),
            ("the same, saved as well", {"save_images": True}),
            ("the same, saved and not sent", {"save_images": True, "send_images": False}),
        ):
            seconds = [_call(client, url, body) for _ in range(_CALLS)]
            yield Row(_GROUP, f"beyond the engine's time: {name}", statistics.median(seconds) * 1000, "ms")


def _call(client: httpx.Client, url: str, body: dict[str, bool]) -> float:
    asked = {"prompt": "a red apple", "seed": 1, "width": _SIDE, "height": _SIDE} | body
    begun = time.perf_counter()
    answer = client.post(f"{url}/sdapi/v1/txt2img", json=asked)
    took = time.perf_counter() - begun
    assert answer.status_code == 200 and len(answer.content) > 1000
    return took


@contextmanager
def _serving(folder: Path) -> Generator[str]:
    """In a process of its own, as a server is: a client in the same one would take its time."""
    with listen("127.0.0.1", 0) as listener:
        server = get_context("spawn").Process(target=_serve, args=(listener, folder), daemon=True)
        server.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.terminate()
            server.join()


def _serve(listener: socket.socket, folder: Path) -> None:
    app = FastAPI()
    with closing(OutputStore(folder)) as store, closing(JobQueue([_Instant(_picture())], store.save)) as jobs:
        sdapi.add(app, Services(jobs, SettingsFile(folder / "config.json"), Launch(data_dir=folder)))
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def _picture() -> NDArray[np.uint8]:
    """Smooth shapes with a little grain, as a drawn picture has them."""
    shapes = Image.effect_mandelbrot((_SIDE, _SIDE), (-1.6, -1.2, 0.8, 1.2), 60).convert("RGB")
    grain = np.random.default_rng(0).normal(0, 1.5, (_SIDE, _SIDE, 3))
    return (np.asarray(shapes) * 0.8 + 20 + grain).clip(0, 255).astype(np.uint8)
