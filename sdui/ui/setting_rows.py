"""The rows of the Settings tab, made from the declared preferences, a page for each section."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, cast

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.params import Declared, declared
from sdui.core.settings import Preferences
from sdui.core.settings_history import Difference, differences
from sdui.services import Services

from . import localizations, markup
from .form import Form, Updates
from .modules import imported
from .quick_settings import QuickBar
from .results import QUIET
from .tab_names import tab_ids

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
_MARK = f"async (saved, ...values) => {{ (await {imported('settings')}).mark(saved, values); return []; }}"
_RESET = f"async (saved, ...values) => (await {imported('settings')}).reset(values)"


def _place(section: str) -> int:
    return _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)


def page_id(section: str) -> str:
    return f"settings_{re.sub('[^a-z0-9]+', '_', section.lower()).strip('_')}"


class SettingRows:
    """Every row is made at once, hidden pages too, so that a search finds it and Apply settings has its value."""

    def __init__(self, services: Services, catalog: Catalog, bar: QuickBar) -> None:
        """bar: has the controls of some of the settings."""
        self._services = services
        self._bar = bar
        self._saved = gr.JSON(visible=False, elem_id="settings_json")
        """Stored values in the order of the rows."""
        self._result = gr.HTML(elem_id="settings_result", elem_classes=["messages"])
        names = tuple(d.path for d in declared(services.settings.model) if d.param.section)
        languages = localizations.names(services.launch.data_dir)
        lists = {"settings": names, "tabs": tuple(tab_ids(services)), "localizations": languages}
        self.form: Form[Preferences] = Form(services.settings.model, catalog, "setting", lists)
        self._built = services.settings.current
        """What a page that is opened shows before it is told more."""

    def sections(self) -> list[tuple[str, list[Declared]]]:
        """In the order of the pages; what the page keeps up to date by itself has none."""
        here = (d for d in declared(self._services.settings.model) if d.param.section and d.path not in self._bar.names)
        shown = sorted(here, key=lambda d: _place(d.param.section))
        return [(section, list(fields)) for section, fields in groupby(shown, key=lambda d: d.param.section)]

    def build(self, fields: list[Declared]) -> None:
        """Rows of one section."""
        for d in fields:
            self.form.add(d.path, value=_held(d.of(self._built)), elem_classes=["setting"])

    def described(self) -> str:
        """For settings.js: what a row's element id stands for, in the order of the rows, as JSON."""
        names = {component.elem_id: path for path, component in self.form.components.items()}
        default = self._services.settings.model().model_dump(mode="json")
        rows = [{"id": row, "name": name, "default": default[name]} for row, name in names.items()]
        return json.dumps(rows)

    def bind(self, submit: gr.Button, opened: gr.Tab) -> None:
        rows = list(self.form.components.values())
        reset = gr.Button("Reset", visible="hidden", elem_id="settings_reset")
        reset.click(fn=None, js=_RESET, inputs=[self._saved, *rows], outputs=rows).then(**self.marking())
        # settings.js presses it: an event for each of the rows would make the page slower to open.
        mark = gr.Button("Mark what was changed", visible="hidden", elem_id="settings_mark")
        mark.click(**self.marking())
        opened.select(**self.marking())
        applied = submit.click(self.apply, inputs_kwargs=self.form.inputs(), outputs=self.outputs(), **QUIET)
        applied.then(**self.marking())

    def marking(self) -> dict[str, Any]:
        """An event that marks what differs from the stored values and from the defaults."""
        return {"fn": None, "js": _MARK, "inputs": [self._saved, *self.form.components.values()]}

    def outputs(self) -> list[Any]:
        return [self._result, self._saved, *self.form.components.values(), *self._bar.outputs()]

    def attach(self) -> Updates:
        """For a page that is opened: what is stored now, where that is not what it was built with."""
        return self._show(self._built)

    def _show(self, before: Preferences) -> Updates:
        """What is stored now, on a page that shows something else. Each update of a row costs the browser time."""
        current = self._services.settings.current
        stored = current.model_dump(mode="json")
        changed = [one.declared.path for one in differences(before, current)]
        kept = tuple(path for path in self.form.components if path not in changed)
        return {self._saved: [stored[name] for name in self.form.components]} | self.form.fill(current, kept)[0]

    def says(self, notice: str = "", error: str = "") -> Updates:
        return {self._result: markup.messages([notice] if notice else [], error)}

    def apply(self, **values: Any) -> Updates:
        try:
            asked = self.form.read(values)
        except RequestError as error:
            return self.says(error=str(error))
        updates = self.change({name: getattr(asked, name) for name in self.form.components})
        rounded = {name: _held(getattr(asked, name)) for name in self.form.components}
        again = {name: value for name, value in rounded.items() if value != values.get(name)}
        return updates | {self.form.components[name]: gr.update(value=value) for name, value in again.items()}

    def change(self, values: dict[str, Any]) -> Updates:
        """Store valid values and show what was stored."""
        before = self._services.settings.current
        try:
            after = self._services.settings.change(**values)
        except OSError as error:
            path = self._services.settings.path
            return self.says(error=f"{path} cannot be written: {error.strerror or error}.")
        return self.tells(before, after)

    def tells(self, before: Preferences, after: Preferences) -> Updates:
        """On a page that shows what was before: how many settings were changed, and which only count later."""
        return self._show(before) | self._bar.show() | self.says(changes_in_words(list(differences(before, after))))


def changes_in_words(changed: list[Difference]) -> str:
    if not changed:
        return "Nothing was changed."
    words = f"{len(changed)} setting{'s' * (len(changed) > 1)} changed and saved."
    late = ", ".join(one.declared.param.label for one in changed if one.declared.param.restart)
    return f"{words} Start the server again for: {late}." if late else words


def compared(changed: Iterator[Difference] | list[Difference]) -> list[tuple[str, str, str]]:
    """Label, old and new value, as people read them."""
    return [(one.declared.param.label, said(one.old), said(one.new)) for one in changed]


def _held(value: Any) -> Any:
    """As a control holds it."""
    return list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value


def said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, cast("list[Any]", value))) or "nothing"
    return str(value) if value not in ("", None) else "empty"
