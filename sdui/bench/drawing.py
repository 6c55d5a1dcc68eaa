"""How fast pictures are drawn: steps a second, the engine against its bare network calls, and against diffusers."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sdui.core.events import Progress, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.engine.engine import Engine
from sdui.models.files import ModelFiles
from sdui.models.store import ModelStore
from sdui.sampling.registry import builtin

from .adapters import measure_adapters
from .random_checkpoint import SD15, TINY, write_random_checkpoint
from .rows import Row
from .step_cost import measure_step_cost

_BUNDLED = Path(__file__).parents[2] / "models" / "Stable-diffusion"
_VOCABULARY = Path(__file__).parents[1] / "prompt" / "assets" / "clip"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    folder: Path
    side: int
    steps: int
    rounds: int
    precision: str = "fp32"
    step_cost: bool = False


def measure_drawing(full: bool) -> Iterator[Row]:
    """full: with a checkpoint of Stable Diffusion 1.5's size, which takes minutes on a CPU."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_random_checkpoint(work / "tiny" / "tiny.safetensors", TINY)
        yield from _measure(Case("demo 128x128", _BUNDLED, 128, 20, 9), work)
        yield from _measure(Case("tiny 64x64", work / "tiny", 64, 20, 9, step_cost=True), work)
        if full:
            write_random_checkpoint(work / "full" / "full.safetensors", SD15)
            yield from _measure(Case("SD 1.5 size, 256x256, fp32", work / "full", 256, 8, 3), work)
            yield from _measure(Case("SD 1.5 size, 256x256, bf16", work / "full", 256, 8, 3, "bf16"), work)
            yield from measure_adapters(work / "full", work)


def _measure(case: Case, work: Path) -> Iterator[Row]:
    files = ModelFiles({"checkpoint": [case.folder], "taesd": [work]}, work / "cache")
    store = ModelStore(files, device="cpu", precision=case.precision)
    engine = Engine(store, builtin(), work)
    begun = time.perf_counter()
    with store.lease("", "", lambda name: None) as lease:
        yield Row(case.name, "load", time.perf_counter() - begun, "s")
        model: Any = lease.model
    request = GenerationRequest(
        prompt="a red apple", seed=1, steps=case.steps, sampler="Euler", width=case.side, height=case.side
    )
    rates: list[float] = []

    def draw() -> None:
        rates.append(_draw(engine, request))

    draw()  # what only the first picture needs is not to be recorded
    recorded = _Recorded(model)
    draw()
    recorded.restore()
    peer = _diffusers(model, request)
    peer()
    rates.clear()
    engine_times, bare_times, peer_times = _in_turn(case.rounds, draw, recorded.replay, peer)
    yield Row(case.name, "steps a second", statistics.median(rates), "it/s")
    yield Row(case.name, "engine, prompt to picture", statistics.median(engine_times), "s")
    yield Row(case.name, "engine / bare network calls", _ratio(engine_times, bare_times))
    yield Row(case.name, "engine / diffusers' pipeline", _ratio(engine_times, peer_times))
    # A round of their own: what runs after another program finds the processor's caches cold.
    seen_times, unseen_times = _in_turn(2 * case.rounds, draw, partial(_draw, engine, request, previews=False))
    yield Row(case.name, "with live previews / without", _ratio(seen_times, unseen_times))
    if case.step_cost:
        yield from measure_step_cost(engine, store, case.side)


def _draw(engine: Engine, request: GenerationRequest, previews: bool = True) -> float:
    """Draw with the preferences that a new user has; steps a second between the first and the last step."""
    seen: list[float] = []

    def emit(event: object) -> None:
        if isinstance(event, Progress) and event.stage == "Sampling":
            seen.append(time.perf_counter())

    engine.run(request, Preferences(live_previews_enable=previews), emit, StopToken())
    return (len(seen) - 1) / (seen[-1] - seen[0])


def _in_turn(rounds: int, *tasks: Callable[[], object]) -> list[list[float]]:
    """Wall times of each task, run one after the other so that a slow moment of the machine hits all of them."""
    times: list[list[float]] = [[] for _ in tasks]
    for _ in range(rounds):
        for taken, task in zip(times, tasks, strict=True):
            begun = time.perf_counter()
            task()
            taken.append(time.perf_counter() - begun)
    return times


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


class _Recorded:
    """The network calls of one job, to be made again without anything around them."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._unet, self._vae = model.unet, model.vae
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        model.unet = _Listening(self._unet, self._unet, self._calls)
        model.autoencoder.network = _Listening(self._vae, self._vae.decode, self._calls)

    def restore(self) -> None:
        self._model.unet, self._model.autoencoder.network = self._unet, self._vae

    @torch.inference_mode()
    def replay(self) -> None:
        for network, args, kwargs in self._calls:
            network(*args, **kwargs)


class _Listening:
    """Stands in for a network (called itself, or through `decode`) and writes down what it is asked."""

    def __init__(self, network: Any, call: Callable[..., Any], calls: list[Any]) -> None:
        self._network, self._call, self._calls = network, call, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls.append((self._call, args, kwargs))
        return self._call(*args, **kwargs)

    decode = __call__


def _diffusers(model: Any, request: GenerationRequest) -> Callable[[], object]:
    """The same run through diffusers' own pipeline, on the same networks."""
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    arguments: dict[str, Any] = {
        "vae": model.vae,
        "text_encoder": model.text_encoder,
        "tokenizer": CLIPTokenizer.from_pretrained(_VOCABULARY, local_files_only=True, model_max_length=77),
        "unet": model.unet,
        "scheduler": EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    pipeline: Any = StableDiffusionPipeline(**arguments)
    pipeline.set_progress_bar_config(disable=True)
    return lambda: pipeline(
        request.prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.steps,
        guidance_scale=request.cfg_scale,
        generator=torch.Generator().manual_seed(request.seed),
    )
