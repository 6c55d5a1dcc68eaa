"""Draws on this machine, in the page's queue with one worker, and saves where the page does."""

from __future__ import annotations

from pathlib import Path

from sdui.core import standing
from sdui.core.catalog import Checkpoint
from sdui.core.errors import SduiError
from sdui.core.events import Emit, Failed
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.imaging.store import OutputStore
from sdui.jobs.queue import JobQueue, Worker

from .options import Options
from .wishes import Wish


def preferences(options: Options, held: Preferences) -> Preferences:
    """The page's settings; in a folder of its own, pictures lie side by side."""
    values: dict[str, object] = {"live_previews_enable": False, "samples_save": True, "grid_save": options.grid}
    if options.outdir:
        folder = str(options.outdir.resolve())
        values |= {"outdir_samples": folder, "outdir_grids": folder, "save_to_dirs": False, "grid_save_to_dirs": False}
    return held.model_copy(update=values)


class Local:
    """Raises what starting the engine raised."""

    def __init__(self, worker: Worker, root: Path, held: Preferences) -> None:
        """root: the data folder. held: `preferences`."""
        self._held = held
        self._store = OutputStore(root, spare=False)
        self._jobs = JobQueue([worker], self._store.save)
        self._chosen = held.sd_model_checkpoint
        self._catalog = self._jobs.fresh_catalog()

    def settled(self, request: GenerationRequest, said: frozenset[str]) -> GenerationRequest:
        settled = standing.applied(request, self._held, said)
        if "model" in said or self._catalog.find(self._chosen) is None:
            return settled
        return settled.model_copy(update={"model": self._chosen})

    def checkpoint(self, name: str) -> Checkpoint | None:
        return self._catalog.find(name, name) if name else self._catalog.checkpoint("")

    def draw(self, wish: Wish, tell: Emit) -> None:
        job = self._jobs.submit(wish.request, self._held)
        try:
            for event in job.events():
                if isinstance(event, Failed):
                    raise SduiError(event.error)
                tell(event)
        except KeyboardInterrupt:
            self._jobs.stop(job)
            job.images()  # the engine ends within a step; a second Ctrl+C does not wait for it
            raise

    def close(self) -> None:
        self._jobs.close()
        self._store.close()
