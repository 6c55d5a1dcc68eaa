"""The seed's row, and what opens below it with "Extra": the variation seed and the seed's picture at another size."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.events import ImageSaved
from sdui.core.groups import Kind
from sdui.core.request import GenerationRequest
from sdui.services import Services

from . import markup, results
from .checkpoints import tool
from .following import Parts
from .form import Form, Updates
from .results import QUIET

_EXTRAS = ("subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h")
_NO_PICTURE = "There is no picture yet whose seed could be used."


class SeedRow:
    def __init__(self, form: Form[GenerationRequest], tab: Kind) -> None:
        self._form = form
        with gr.Row(elem_id=f"{tab}_seed_row", elem_classes=["seed-row"]):
            form.add("seed", scale=3, min_width=120)
            self._random = tool("Take a new random seed each time", f"{tab}_random_seed")
            self._reuse = tool("Reuse the seed of the selected picture", f"{tab}_reuse_seed")
            extra = gr.Checkbox(False, label="Extra", elem_id=f"{tab}_subseed_show", scale=0, min_width=90)
        with gr.Group(visible=False, elem_id=f"{tab}_seed_extras") as group:
            with gr.Row(elem_id=f"{tab}_subseed_row", elem_classes=["seed-row"]):
                form.add("subseed", scale=3, min_width=120)
                self._random_extra = tool("Take a new random variation seed each time", f"{tab}_random_subseed")
                self._reuse_extra = tool("Reuse the variation seed of the picture", f"{tab}_reuse_subseed")
                form.add("subseed_strength", scale=4, min_width=160)
            with gr.Row(elem_id=f"{tab}_seed_resize_from_row"):
                form.add("seed_resize_from_w", min_width=140)
                form.add("seed_resize_from_h", min_width=140)
        form.extras("subseed_show", extra, _EXTRAS)
        extra.change(fn=None, js="on => ({__type__: 'update', visible: on})", inputs=[extra], outputs=[group])

    def bind(self, services: Services, parts: Parts) -> None:
        picked = [parts.job_id, parts.selected]
        for name, random, reuse in (
            ("seed", self._random, self._reuse),
            ("subseed", self._random_extra, self._reuse_extra),
        ):
            field = self._form.components[name]
            random.click(fn=None, js="() => '-1'", outputs=[field])
            reuse.click(_reuser(services, parts, name, field), picked, [field, parts.log], **QUIET)


def _reuser(services: Services, parts: Parts, name: str, field: Any) -> Any:
    def reuse(job_id: str, selected: int) -> Updates:
        image = results.picture(services, job_id, selected)
        if not isinstance(image, ImageSaved):
            return {parts.log: markup.messages([_NO_PICTURE])}
        return {field: str(getattr(image.request, name))}

    return reuse
