"""A line that says how far the hashing of model files is, as long as there is any."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.services import Services

from .checkpoints import QuickSettings
from .form import Updates
from .results import QUIET

_PERIOD = 3.0
"""Seconds between two looks."""


def build(services: Services, quick: QuickSettings) -> HashingLine:
    with gr.Column(elem_id="hashing", scale=0, min_width=0):
        return HashingLine(services, quick, gr.HTML(elem_classes=["quiet"]), gr.Timer(_PERIOD, active=False))


class HashingLine:
    def __init__(self, services: Services, quick: QuickSettings, line: gr.HTML, timer: gr.Timer) -> None:
        self._services = services
        self._quick = quick
        self._line = line
        self._timer = timer

    def bind(self, page: gr.Blocks) -> None:
        outputs = [self._line, self._timer]
        page.load(self.show, None, outputs, **QUIET)
        chosen = self._quick.dropdown
        self._timer.tick(self.tick, [chosen], [*outputs, chosen, self._quick.banner], **QUIET)

    def show(self) -> Updates:
        return self._now(self._services.jobs.catalog())

    def tick(self, title: Any) -> Updates:
        """When all is hashed the titles have got their hashes."""
        catalog = self._services.jobs.catalog()
        if catalog.hashing or not isinstance(title, str):
            return self._now(catalog)
        return self._now(catalog) | self._quick.shows(catalog, catalog.find(title))

    def _now(self, catalog: Catalog) -> Updates:
        now = catalog.hashing
        words = f"Hashing {now.done + 1} of {now.total} model files" if now and now.total else ""
        return {self._line: words, self._timer: gr.Timer(active=now is not None)}
