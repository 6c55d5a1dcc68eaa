"""A worker without networks: it draws gradients, as fast or as slowly as a test wants."""

from __future__ import annotations

import functools
import threading
from dataclasses import replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sdui.core.catalog import Catalog, Checkpoint
from sdui.core.errors import ModelNotFound, RequestError, SduiError
from sdui.core.events import Emit, GeneratedImage, ImageReady, ModelSaved, Notice, Preview, Progress, Stop, StopToken
from sdui.core.launch import Launch
from sdui.core.merging import MergeRequest
from sdui.core.networks import EmbeddingFacts, Library, Located, Network, NetworkPage, NetworkQuery
from sdui.core.request import BatchRequest, GenerationRequest, LoadRequest, Task
from sdui.core.settings import Preferences

DEMO = Checkpoint(
    "demo",
    "demo.safetensors [0123456789]",
    "sd15",
    128,
    128,
    ("a red apple, 3d style", "a cat on a blue background, flat style", "a house, icon style"),
    hashes=("0123456789" + 54 * "0",),
)
LARGE = Checkpoint("large", "large.safetensors [abcdefabcd]", "sd15", 512, 768, hashes=("abcdefabcd" + 54 * "0",))
BROKEN = Checkpoint("broken", "broken.safetensors", problem="the file ends in the middle of a tensor")
CATALOG = Catalog(
    (DEMO, LARGE, BROKEN), ("DPM++ 2M", "Euler", "Euler a", "DDIM"), ("Automatic", "Karras", "Uniform", "Exponential")
)


class FakeWorker:
    """`pace` seconds a step, `delay` seconds for its catalog; a prompt of "fail" fails; the seed decides the pixels.

    Loading and merging checkpoints waits while `loaded` is clear. Of a batch of pictures one is drawn.
    """

    def __init__(self, catalog: Catalog = CATALOG, pace: float = 0.0, launch: Launch | None = None) -> None:
        """launch: where the files of its library are."""
        self.name = "fake"
        self.pace = pace
        self.delay = 0.0
        self.given = catalog
        self.tasks: list[Task] = []
        self._launch = launch or Launch()
        self.named: dict[str, list[str]] = {}
        """Names by kind, in place of the files."""
        self.conditions: dict[str, object] = {"torch": "2.0", "device": "fake", "dtype": "float32"}
        """What the replay records say."""
        self.vectors: dict[str, int] = {}
        """Vectors by name."""
        self.loaded = threading.Event()
        self.loaded.set()
        self._wake = threading.Event()

    def catalog(self) -> Catalog:
        self._wake.wait(self.delay)
        return self.given

    def fresh_catalog(self) -> Catalog:
        return self.catalog()

    def library(self) -> Library:
        return _Named(self.named) if self.named else self._library

    @functools.cached_property
    def _library(self) -> Library:
        """The real one: what a card shows is in files. Only tests of cards wait for torch, which it imports."""
        from sdui.models.files import ModelFiles
        from sdui.models.library import Library as Files

        return Files(ModelFiles(self._launch.model_folders(), self._launch.folder("cache")))

    def metadata(self, checkpoint: str) -> dict[str, str]:
        found = self.given.checkpoint(checkpoint)
        if found is None:
            raise ModelNotFound(f"Checkpoint: there is no {checkpoint!r}.")
        return {"modelspec.title": found.name, found.name: "yes"}

    def embedding_sizes(self, prompt: str) -> dict[str, int]:
        return {name: size for name, size in self.vectors.items() if name in prompt}

    def embeddings(self, checkpoint: str) -> dict[str, EmbeddingFacts]:
        """The longer ones are for other checkpoints."""
        return {name: EmbeddingFacts(size, 768, size < 5) for name, size in self.vectors.items()}

    def memory(self) -> dict[str, dict[str, object]]:
        return {"ram": {"free": 3, "used": 1, "total": 4}, "cuda": {"error": "unavailable"}}

    def run(self, task: Task, preferences: Preferences, emit: Emit, stop: StopToken) -> None:
        self.tasks.append(task)
        if isinstance(task, MergeRequest):
            self._merge(task, emit, stop)
            return
        if isinstance(task, LoadRequest):
            emit(Progress(f"Loading {task.model}"))
            self._wake.wait(self.pace)
            self.loaded.wait()
            return
        if isinstance(task, BatchRequest):
            task = task.request
        if not isinstance(task, GenerationRequest):
            emit(Notice(f"Done: {type(task).__name__}."))
            return
        first = int(np.random.default_rng().integers(2**32)) if task.seed < 0 else task.seed
        for batch in range(task.batch_count):
            stop.next_batch()
            self._batch(task, batch, first, emit, stop)

    def prepare(self, task: Task | None) -> None: ...

    def close(self) -> None:
        self.loaded.set()
        self._wake.set()

    def _merge(self, task: MergeRequest, emit: Emit, stop: StopToken) -> None:
        """A new name in the catalog."""
        name = f"{task.output or 'merged'}.{task.format}"
        for field, model in task.models.items():
            if not model:
                raise RequestError(f"{field}: choose a checkpoint; {task.method} needs one.")
        emit(Progress(f"Merging into {name}", done=0.5))
        while not self.loaded.wait(0.05):
            stop.check()
        new = Checkpoint(task.output, f"{name} [9876543210]", "sd15", 128, 128)
        self.given = replace(self.given, checkpoints=(*self.given.checkpoints, new))
        emit(ModelSaved(f"/models/{name}", "9876543210" + 54 * "0"))

    def _batch(self, task: GenerationRequest, batch: int, first: int, emit: Emit, stop: StopToken) -> None:
        for step in range(1, task.steps + 1):
            stop.check()
            if stop.level == Stop.SKIP:
                return
            done = (batch + step / task.steps) / task.batch_count
            left = self.pace * task.steps * task.batch_count * (1 - done)
            emit(Progress("Sampling", step, task.steps, done, left))
            if step % preferences_period(task) == 0:
                emit(Preview(jpeg(pixels(task, first, step / task.steps))))
            self._wake.wait(self.pace)
            if task.prompt == "fail" and step == 2:
                raise SduiError("The network returned only NaN; try --precision fp32.")
        for index in range(task.batch_size):
            seed = first + batch * task.batch_size + index
            model = {"model": "demo", "model_hash": "0123456789", "batch_count": 1, "batch_size": 1, "seed": seed}
            concrete = task.model_copy(update=model)
            conditions = self.conditions | {"batch_size": task.batch_size, "position": index}
            emit(ImageReady(GeneratedImage(pixels(task, seed), concrete, {"Version": "sdui 0.0"}, "image", conditions)))


def preferences_period(task: GenerationRequest) -> int:
    return max(1, task.steps // 10)


def pixels(task: GenerationRequest, seed: int, sharp: float = 1.0) -> NDArray[np.uint8]:
    """[height, width, 3]: a disc on a gradient whose colours come from seed and prompt."""
    random = np.random.default_rng([seed, *task.prompt.encode()[:64]])
    high, wide = task.height, task.width
    y, x = np.mgrid[0:high, 0:wide] / max(high, wide)
    low, top, disc = random.integers(40, 255, (3, 3))
    picture = low + (top - low) * y[..., None]
    inside = np.hypot(x - x.mean(), y - y.mean()) < 0.3
    picture[inside] = disc
    noise = random.normal(0, 80 * (1 - sharp), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    data = BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=80)
    return data.getvalue()


class _Named:
    """A library of names alone."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self._names = names

    def page(self, query: NetworkQuery) -> NetworkPage:
        words = query.search.split()
        found = [name for name in self._names.get(query.kind, []) if all(word in f"{name} alias" for word in words)]
        shown = found[query.offset : query.offset + query.count]
        entries = tuple(Network(f"{name}.safetensors", name, f"{name} alias") for name in shown)
        return NetworkPage(entries, len(found))

    def located(self, kind: str) -> tuple[Located, ...]:
        names = self._names.get(kind, [])
        return tuple(
            Located(f"{name}.safetensors", name, f"/models/{name}.safetensors", f"{name} alias") for name in names
        )
