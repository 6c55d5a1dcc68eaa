"""A worker in this process. The queue's thread for it is the engine's thread, and owns the device."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Thread, Timer
from typing import Any, Protocol

from sdui.core.catalog import Catalog
from sdui.core.events import Emit, StopToken
from sdui.core.networks import EmbeddingFacts, Library
from sdui.core.request import Task
from sdui.core.settings import Preferences

from .catalog_memory import CatalogMemory


class Runs(Protocol):
    """What the engine looks like from here; `jobs` does not import `engine`."""

    def catalog(self) -> Catalog: ...
    def library(self) -> Library: ...
    def metadata(self, checkpoint: str) -> dict[str, str]: ...
    def embedding_sizes(self, prompt: str) -> dict[str, int]: ...
    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]: ...
    def memory(self) -> dict[str, dict[str, Any]]: ...
    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None: ...
    def prepare(self, task: Task | None) -> None: ...
    def close(self) -> None: ...


class LocalWorker:
    """Builds its engine in the background, so that the page need not wait for torch."""

    def __init__(
        self, build_engine: Callable[[], Runs], name: str = "local", memory: CatalogMemory | None = None
    ) -> None:
        """memory: has the catalog of an earlier start. Then there is no hurry, and building waits for `begin`."""
        self.name = name
        self._memory = memory
        self._begun = Event()
        self._failed: Callable[[], None] = lambda: None
        if memory is None or memory.catalog is None:
            self._begun.set()
        self._engine: Future[Runs] = Future()
        Thread(target=self._build, args=(build_engine,), name=f"{name}-start", daemon=True).start()

    def begin(self, after: float, failed: Callable[[], None]) -> None:
        """Build the engine in so many seconds, unless it is being built; `failed` is called when it cannot be."""
        self._failed = failed
        timer = Timer(after, self._begun.set)
        timer.daemon = True
        timer.start()

    def check(self) -> None:
        """Raises what building the engine raised, if it did."""
        if self._engine.done():
            self._engine.result()

    def catalog(self) -> Catalog:
        """While the engine is being built the one of the last start; where there is none, as `fresh_catalog`."""
        known = self._memory and self._memory.catalog
        return known if known and not self._engine.done() else self.fresh_catalog()

    def fresh_catalog(self) -> Catalog:
        """Waits for the engine; raises what building it raised."""
        return self._engine.result().catalog()

    def library(self) -> Library:
        """Waits for the engine, as `fresh_catalog` does."""
        return self._engine.result().library()

    def metadata(self, checkpoint: str) -> dict[str, str]:
        """Waits for the engine, as `fresh_catalog` does."""
        return self._engine.result().metadata(checkpoint)

    def embedding_sizes(self, prompt: str) -> dict[str, int]:
        """Of no embedding while the engine is being built."""
        return self._engine.result().embedding_sizes(prompt) if self._engine.done() else {}

    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]:
        """Waits for the engine, as `fresh_catalog` does."""
        return self._engine.result().embeddings(checkpoint)

    def memory(self) -> dict[str, dict[str, Any]]:
        """Waits for the engine, as `fresh_catalog` does."""
        return self._engine.result().memory()

    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None:
        self._engine.result().run(task, preferences, emit, stop)

    def prepare(self, task: Task | None) -> None:
        if self._engine.done() and not self._engine.exception():
            self._engine.result().prepare(task)

    def close(self) -> None:
        """Does not wait for an engine that is still being built."""
        if self._engine.done() and self._engine.exception() is None:
            self._remember()
            self._engine.result().close()

    def _build(self, build_engine: Callable[[], Runs]) -> None:
        self._begun.wait()
        try:
            self._engine.set_result(build_engine())
        except BaseException as error:  # noqa: BLE001 - carried to whoever asks for the engine
            self._engine.set_exception(error)
            self._failed()
        else:
            self._remember()

    def _remember(self) -> None:
        if self._memory:
            self._memory.keep(self._engine.result().catalog())
