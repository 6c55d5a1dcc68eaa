"""A worker in this process. The queue's thread for it is the engine's thread, and owns the device."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Protocol

from sdui.core.catalog import Catalog
from sdui.core.events import Emit, StopToken
from sdui.core.networks import Library
from sdui.core.request import Task
from sdui.core.settings import Preferences


class Runs(Protocol):
    """What the engine looks like from here; `jobs` does not import `engine`."""

    def catalog(self) -> Catalog: ...
    def library(self) -> Library: ...
    def metadata(self, checkpoint: str) -> dict[str, str]: ...
    def embedding_sizes(self, prompt: str) -> dict[str, int]: ...
    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None: ...
    def prepare(self, task: Task | None) -> None: ...
    def close(self) -> None: ...


class LocalWorker:
    """Builds its engine in the background, so that the page need not wait for torch."""

    def __init__(self, build_engine: Callable[[], Runs], name: str = "local") -> None:
        self.name = name
        self._engine: Future[Runs] = Future()
        Thread(target=self._build, args=(build_engine,), name=f"{name}-start", daemon=True).start()

    def catalog(self) -> Catalog:
        """Waits for the engine; raises what building it raised."""
        return self._engine.result().catalog()

    def library(self) -> Library:
        """Waits for the engine, as `catalog` does."""
        return self._engine.result().library()

    def metadata(self, checkpoint: str) -> dict[str, str]:
        """Waits for the engine, as `catalog` does."""
        return self._engine.result().metadata(checkpoint)

    def embedding_sizes(self, prompt: str) -> dict[str, int]:
        """Of no embedding while the engine is being built."""
        return self._engine.result().embedding_sizes(prompt) if self._engine.done() else {}

    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None:
        self._engine.result().run(task, preferences, emit, stop)

    def prepare(self, task: Task | None) -> None:
        if self._engine.done() and not self._engine.exception():
            self._engine.result().prepare(task)

    def close(self) -> None:
        """Does not wait for an engine that is still being built."""
        if self._engine.done() and self._engine.exception() is None:
            self._engine.result().close()

    def _build(self, build_engine: Callable[[], Runs]) -> None:
        try:
            self._engine.set_result(build_engine())
        except BaseException as error:  # noqa: BLE001 - carried to whoever asks for the engine
            self._engine.set_exception(error)
