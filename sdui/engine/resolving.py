"""From what was asked for to what is drawn: real seeds, full names, prompts as they are read, batches."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdui.core.errors import RequestError
from sdui.core.events import Notice
from sdui.core.request import GenerationRequest
from sdui.core.stages import Hires
from sdui.extensions.contracts import Context, Texts
from sdui.extensions.host import Host
from sdui.models.residents import Lease
from sdui.models.store import ModelStore
from sdui.models.vae_files import VaeWish
from sdui.prompt.style_files import StyleFiles
from sdui.sampling.registry import Registry
from sdui.sampling.schedules import AUTOMATIC

from .hires import check_upscaler
from .run import Batch
from .upscaling import Upscalers
from .words import Words


@dataclass(frozen=True, slots=True)
class Resolver:
    models: ModelStore
    samplers: Registry
    styles: StyleFiles
    upscalers: Upscalers

    def resolved(self, request: GenerationRequest, lease: Lease) -> GenerationRequest:
        """With real seeds, the full names of what was asked for, and prompts as they are read.

        Raises RequestError for what is not there.
        """
        count = request.batch_count * request.batch_size
        if max(request.seed, request.subseed) + count > 2**63:
            raise RequestError(f"Seed: {request.seed} is too large, every picture of a batch needs one more.")
        if request.hires and request.init:
            raise RequestError(
                "Hires. fix: it is for pictures from noise alone. Leave out the init image, or hires fix."
            )
        if request.init:
            self.upscalers.check(request.init.upscaler)
        sampler, schedule = self.samplers.resolve(request.sampler, request.schedule)
        values: dict[str, Any] = {
            "seed": real_seed(request.seed),
            "subseed": real_seed(request.subseed),
            "sampler": sampler.name,
            "schedule": schedule,
            "model": lease.name,
            "model_hash": lease.sha256[:10],
            **self._vae(request, lease),
            "styles": (),
            "others": request.lasting_others,
        }
        words = Words(self.styles, request)
        values |= {"prompt": words.positive(request.prompt), "negative_prompt": words.negative(request.negative_prompt)}
        if request.hires:
            values["hires"] = self._hires(request.hires, sampler.name, words)
        return request.model_copy(update=values)

    def _vae(self, request: GenerationRequest, lease: Lease) -> dict[str, Any]:
        path = self.models.files.find(lease.name, lease.sha256).path
        vae, digits = self.models.vaes.files.resolved(path, vae_of(request))
        return {"vae": vae, "vae_hash": digits, "vae_overrides_preference": True}

    def _hires(self, hires: Hires, first_sampler: str, words: Words) -> Hires:
        check_upscaler(hires, self.upscalers)
        sampler, schedule = self.samplers.resolve(hires.sampler or first_sampler, hires.schedule or AUTOMATIC)
        values = {"prompt": words.positive(hires.prompt), "negative_prompt": words.negative(hires.negative_prompt)}
        values |= {"sampler": sampler.name, "schedule": schedule}
        given = {name: text for name, text in values.items() if getattr(hires, name)}
        if hires.sampler and schedule != AUTOMATIC:
            given["schedule"] = schedule
        return hires.model_copy(update=given)


def vae_of(request: GenerationRequest) -> VaeWish:
    return VaeWish(request.vae, request.vae_hash, request.vae_overrides_preference, request.vae_bfloat16)


def real_seed(seed: int) -> int:
    """-1 is a new one."""
    return seed if seed >= 0 else random.randrange(2**32)


def batches(request: GenerationRequest, context: Context, host: Host, data: Path) -> list[Batch]:
    """The pictures' seeds and prompts, in the order in which they are drawn.

    Seeds count up; where a variation is mixed in, all have one seed and the variation seeds count up, as in A1111.
    Pictures of different prompts are not drawn at once.
    """
    count, step = request.batch_count * request.batch_size, 0 if request.subseed_strength else 1
    seeds = [request.seed + step * index for index in range(count)]
    subseeds = [request.subseed + index for index in range(count)]

    def tell(text: str) -> None:
        context.emit(Notice(text))

    given = host.first("texts", request=request, seeds=seeds, subseeds=subseeds, data=data, tell=tell)
    texts: list[Texts] = list(given) if given else [Texts(request.prompt, request.negative_prompt)] * count
    size = 1 if context.preferences.batch_independent else request.batch_size
    made: list[Batch] = []
    for at in range(0, count, size):
        for text, places in itertools.groupby(range(at, min(at + size, count)), lambda place: texts[place]):
            held = list(places)
            alike = request.model_copy(update=text._asdict())
            made.append(Batch([seeds[i] for i in held], [subseeds[i] for i in held], alike))
    return made
