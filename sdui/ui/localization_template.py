"""The template for a translation of the page: every text that is on it, to be filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import gradio as gr
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from sdui.core.params import declared
from sdui.services import Services

from . import localizations

_WORDS = ("label", "info", "placeholder")
_NAMES = ("checkpoints", "samplers", "schedules", "hires_upscalers", "upscalers", "describers", "detectors", "vaes")


def routes(services: Services, page: gr.Blocks) -> APIRouter:
    served = APIRouter()

    def template() -> JSONResponse:
        headers = {"Content-Disposition": 'attachment; filename="localization.json"'}
        return JSONResponse(dict.fromkeys(texts(page, services), ""), headers=headers)

    served.get("/page/localization-template")(template)
    return served


def texts(page: gr.Blocks, services: Services) -> list[str]:
    """Labels, hints, texts on buttons and fixed options, each once, in the order in which they are on the page."""
    found = [text.strip() for block in page.blocks.values() for text in _of(block)]
    found += _choices(page, services)
    found += [d.param.section for d in declared(services.settings.model)]
    return [text for text in dict.fromkeys(found) if text]


def _of(block: Any) -> Iterator[str]:
    if getattr(block, "visible", True) in (False, "hidden"):
        return
    yield from (str(text) for name in _WORDS if isinstance(text := getattr(block, name, None), str))
    if isinstance(block, gr.Button) and isinstance(block.value, str):
        yield block.value
    if isinstance(block, gr.Radio | gr.CheckboxGroup):
        yield from _labels(block)


def _choices(page: gr.Blocks, services: Services) -> Iterator[str]:
    """Of drop-downs, but for names: of files, samplers, settings and languages."""
    catalog = services.jobs.catalog()
    names = {name for choices in _NAMES for name in catalog.names(choices)}
    names |= {d.path for d in declared(services.settings.model)}
    names |= {*localizations.names(services.launch.data_dir)}
    for block in page.blocks.values():
        if isinstance(block, gr.Dropdown) and block.visible is True and "foreign" not in (block.elem_classes or []):
            yield from (label for label in _labels(block) if label not in names)


def _labels(block: Any) -> Iterator[str]:
    yield from (str(label) for label, _ in cast("list[tuple[str, Any]]", block.choices or []))
