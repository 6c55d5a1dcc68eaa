"""Draws what a checkpoint is asked for in a measurement, with the engine that users have, and keeps the pictures."""

from __future__ import annotations

import hashlib
import shutil
import statistics
import time
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sdui.core.events import GeneratedImage, ImageReady, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import InitImage, Inpaint
from sdui.engine.engine import Engine
from sdui.models.files import ModelFiles
from sdui.models.store import ModelStore
from sdui.sampling.registry import builtin

from .prompts import Case
from .scenes import Picture, Stage

STEPS = 20
SAMPLER = "DPM++ 2M"
_CORES = 2


class Artist:
    """One checkpoint, in fp32 on the CPU."""

    def __init__(self, engine: Engine, stage: Stage, folder: Path) -> None:
        """folder: where drawn pictures are kept; those that are there are not drawn again."""
        self._engine, self._stage, self._folder = engine, stage, folder

    def picture(self, case: Case) -> Picture:
        """[H,W,3] in 0..1, drawn now or at an earlier time. Raises what the engine raises."""
        file = self._folder / f"{case.seed:04d}-{hashlib.sha256(repr(case).encode()).hexdigest()[:12]}.png"
        if not file.is_file():
            pixels = _drawn(self._engine, request_for(case, self._stage))
            part = file.with_suffix(".part")
            part.write_bytes(_png(pixels))
            part.replace(file)
        with Image.open(file) as stored:
            return np.asarray(stored, np.float32) / np.float32(255)

    def seconds(self, case: Case, rounds: int = 5) -> float:
        """What a picture takes on two cores once the checkpoint is ready: the median of so many."""
        request, threads, times = request_for(case, self._stage), torch.get_num_threads(), list[float]()
        torch.set_num_threads(_CORES)
        try:
            _drawn(self._engine, request)
            for _ in range(rounds):
                begun = time.perf_counter()
                _drawn(self._engine, request)
                times.append(time.perf_counter() - begun)
        finally:
            torch.set_num_threads(threads)
        return statistics.median(times)


@contextmanager
def artist(file: Path, stage: Stage, folder: Path) -> Generator[Artist]:
    """With the checkpoint `file`, of which a copy lies alone in a folder, so that nothing else is meant by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        work = Path(name)
        shutil.copy(file, work)
        files = ModelFiles({"checkpoint": [work]}, work / "cache")
        engine = Engine(ModelStore(files, device="cpu", precision="fp32"), builtin(), work)
        try:
            yield Artist(engine, stage, folder)
        finally:
            engine.close()


def request_for(case: Case, stage: Stage) -> GenerationRequest:
    """As a user would ask for it."""
    scene = case.scene
    request = GenerationRequest(
        prompt=case.prompt,
        negative_prompt=case.negative,
        seed=case.seed,
        steps=STEPS,
        sampler=SAMPLER,
        cfg_scale=case.guidance,
        width=scene.width,
        height=scene.height,
    )
    if case.start is None:
        return request
    image = _png(_bytes(stage.show(case.start)))
    inpaint = Inpaint(mask=_middle(case), fill="latent noise") if case.masked else None
    init = InitImage(image=image, denoising_strength=case.strength, inpaint=inpaint)
    return request.model_copy(update={"init": init})


def _middle(case: Case) -> bytes:
    """A mask: white where something is to be drawn."""
    mask = np.zeros((case.scene.height, case.scene.width, 3), np.uint8)
    top, left = (int(side * (1 - case.masked) / 2) for side in mask.shape[:2])
    mask[top : mask.shape[0] - top, left : mask.shape[1] - left] = 255
    return _png(mask)


def _drawn(engine: Engine, request: GenerationRequest) -> NDArray[np.uint8]:
    images: list[GeneratedImage] = []
    engine.run(
        request,
        Preferences(live_previews_enable=False, grid_save=False),
        lambda event: images.append(event.image) if isinstance(event, ImageReady) else None,
        StopToken(),
    )
    return images[0].pixels


def _bytes(picture: Picture) -> NDArray[np.uint8]:
    return np.rint(picture * 255).astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
