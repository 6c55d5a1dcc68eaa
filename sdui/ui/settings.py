"""The Settings tab, made from the declared preferences."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.params import declared
from sdui.core.settings import Preferences

from . import markup
from .form import Form, Updates
from .results import QUIET
from .services import Services

_SECTIONS = (
    "Saving images/grids",
    "Paths for saving",
    "Saving to a directory",
    "Stable Diffusion",
    "Stable Diffusion XL",
    "VAE",
    "img2img",
    "Optimizations",
    "Compatibility",
    "Extra Networks",
    "Sampler parameters",
    "Prompt editing",
    "Gallery",
    "User interface",
    "Infotext",
    "Live previews",
    "API",
    "Upscaling",
    "Face restoration",
    "Postprocessing",
    "Interrogate",
)
"""A1111's order; others follow."""
TABS = ("txt2img", "img2img", "Extras", "PNG Info", "Checkpoint Merger", "History", "Settings")


def _place(section: str) -> int:
    return _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)


def build(services: Services, elsewhere: tuple[str, ...]) -> Settings:
    """elsewhere: settings that have their controls above the tabs."""
    with gr.Row(elem_id="settings_bar"):
        submit = gr.Button("Apply settings", variant="primary", elem_id="settings_submit", scale=0, min_width=180)
        result = gr.HTML(elem_id="settings_result", elem_classes=["messages"])
    model = services.settings.model
    names = tuple(d.path for d in declared(model) if d.param.section)
    lists = {"settings": names, "tabs": TABS, "localizations": ("None",)}
    form: Form[Preferences] = Form(model, services.jobs.catalog(), "setting", lists)
    here = (d for d in declared(model) if d.param.section and d.path not in elsewhere)
    shown = sorted(here, key=lambda d: _place(d.param.section))
    with gr.Tabs(elem_id="settings"):
        for section, fields in groupby(shown, key=lambda d: d.param.section):
            name = section.lower().replace(" ", "_").replace("/", "_")
            with gr.Tab(section, elem_id=f"settings_{name}"), gr.Column(elem_id=f"column_settings_{name}"):
                for d in fields:
                    form.add(d.path, value=d.of(services.settings.current))
    tab = Settings(services, form, result)
    submit.click(tab.apply, inputs_kwargs=form.inputs(), outputs=tab.outputs(), **QUIET)
    return tab


class Settings:
    def __init__(self, services: Services, form: Form[Preferences], result: gr.HTML) -> None:
        self._services = services
        self._form = form
        self._result = result

    def outputs(self) -> list[Any]:
        return [self._result, *self._form.components.values()]

    def show(self) -> Updates:
        """What is stored now; another page may have changed it."""
        return self._form.fill(self._services.settings.current)[0]

    def apply(self, **values: Any) -> Updates:
        try:
            asked = self._form.read(values)
            before = self._services.settings.current
            after = self._services.settings.change(**{name: getattr(asked, name) for name in self._form.components})
        except RequestError as error:
            return {self._result: markup.messages([], str(error))}
        except OSError as error:
            path = self._services.settings.path
            return {self._result: markup.messages([], f"{path} cannot be written: {error.strerror or error}.")}
        count = sum(getattr(before, name) != getattr(after, name) for name in self._form.components)
        words = "Nothing was changed." if count == 0 else f"{count} setting{'s' * (count > 1)} changed and saved."
        return self.show() | {self._result: markup.messages([words])}
