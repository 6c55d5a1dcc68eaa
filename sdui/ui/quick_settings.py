"""The bar above the tabs: the checkpoint, and the settings that were chosen to stand there; a change counts at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.params import declared
from sdui.core.settings import Preferences
from sdui.services import Services

from . import checkpoints, markup
from .form import Form, Updates
from .results import QUIET


class QuickBar:
    """The checkpoint's drop-down is always there: it is the one that the tabs draw with."""

    def __init__(self, services: Services, catalog: Catalog) -> None:
        self._services = services
        self.form: Form[Preferences] = Form(services.settings.model, catalog, "setting")
        known = {d.path for d in declared(services.settings.model) if d.param.section}
        asked = dict.fromkeys(services.settings.current.quicksettings_list)
        self.names = tuple(name for name in asked if name in known)
        self.checkpoint = checkpoints.build(services, catalog, self._controls)
        self._said = gr.HTML(elem_id="quicksettings_log", elem_classes=["messages"])

    def bind(self) -> None:
        self.checkpoint.refresh.click(self.show, None, self.outputs(), **QUIET)
        for name, component in self.form.components.items():
            component.change(self._changer(name), [component], [self._said], trigger_mode="always_last", **QUIET)

    def outputs(self) -> list[Any]:
        return list(self.form.components.values())

    def show(self) -> Updates:
        """What is stored and can be chosen now; another page may have changed it, files may have come."""
        listed = self.form.relist(self._services.jobs.catalog())
        filled = self.form.fill(self._services.settings.current)[0]
        return filled | {component: filled.get(component, {}) | update for component, update in listed.items()}

    def _controls(self) -> None:
        for name in self.names:
            self.form.add(name, value=self._value(name), info=None, scale=0, min_width=190)

    def _value(self, name: str) -> Any:
        value: Any = getattr(self._services.settings.current, name)
        return [*value] if isinstance(value, tuple) else value

    def _changer(self, name: str) -> Callable[[Any], str]:
        def change(value: Any) -> str:
            settings = self._services.settings
            try:
                asked = getattr(self.form.read({name: value}), name)
                if asked != getattr(settings.current, name):
                    settings.change(**{name: asked})
            except RequestError as error:
                return markup.messages([], str(error))
            except OSError as error:
                return markup.messages([], f"{settings.path} cannot be written: {error.strerror or error}.")
            return ""

        return change
