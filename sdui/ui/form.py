"""Components made from parameter declarations, and read back by name as a validated value."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_origin

import gradio as gr
from pydantic import ValidationError

from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.params import Declared, Params, declared, explain, nest

from .components import OpenDropdown, OpenSlider

T = TypeVar("T", bound=Params)

Updates = dict[Any, Any]
"""Component -> its update; the components that are not named stay as they are."""

_KEYS = "\n(Press Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt)"


class Form(Generic[T]):
    """Fields of one Params class. Place them anywhere, in any order; handlers get them by name."""

    def __init__(self, model: type[T], catalog: Catalog, prefix: str) -> None:
        self.components: dict[str, Any] = {}
        self._model = model
        self._catalog = catalog
        self._prefix = prefix
        self._declared = {d.path: d for d in declared(model)}

    def add(self, path: str, **look: Any) -> Any:
        """Make the component of one field here; `look` overrides how it is drawn."""
        return self.adopt(path, _component(self._declared[path], self._catalog, self._prefix, look))

    def adopt(self, path: str, component: Any) -> Any:
        """Read a field from a component that was made elsewhere."""
        self.components[path] = component
        return component

    def inputs(self) -> dict[str, Any]:
        """For `inputs_kwargs`; the handler gives its keyword arguments to `read`."""
        return {path.replace(".", "__"): component for path, component in self.components.items()}

    def read(self, values: dict[str, Any]) -> T:
        """Validate what the page sent. Raises RequestError with one sentence per wrong field."""
        flat = {name.replace("__", "."): value for name, value in values.items()}
        for path, value in flat.items():
            if value == "" and self._declared[path].field.annotation is int:
                flat[path] = self._declared[path].field.default
        try:
            return self._model.model_validate(nest(flat))
        except ValidationError as error:
            raise RequestError(explain(error, self._model)) from error

    def fill(self, values: T, keep: tuple[str, ...] = ()) -> tuple[Updates, list[str]]:
        """Updates that show `values`, and a sentence for each value that this server does not offer.

        A field that `values` leaves unsaid stays as it is, unless its absence from an infotext means the default.
        """
        updates: Updates = {}
        unknown: list[str] = []
        for path, component in self.components.items():
            d = self._declared[path]
            if path in keep or not _said(d, values):
                continue
            value = d.of(values)
            if d.param.choices and value not in _choices(d, self._catalog):
                unknown.append(f"{d.param.label}: {value!r} is not available here; the page keeps what it had.")
                continue
            updates[component] = gr.update(value=str(value) if d.param.widget == "seed" else value)
        return updates, unknown


def _said(d: Declared, values: Params) -> bool:
    by_absence = d.param.infotext and not d.param.infotext_always
    return d.path.split(".")[0] in values.model_fields_set or bool(by_absence)


def _choices(d: Declared, catalog: Catalog) -> tuple[str, ...]:
    return catalog.names(d.param.choices) if isinstance(d.param.choices, str) else d.param.choices


def _component(d: Declared, catalog: Catalog, prefix: str, look: dict[str, Any]) -> Any:
    kind: Any = d.field.annotation
    how: dict[str, Any] = {"label": d.param.label, "value": d.field.default, "info": d.param.help or None}
    how |= {"elem_id": f"{prefix}_{d.param.elem_id or d.path.replace('.', '_')}"}
    if kind is bool:
        return gr.Checkbox(**how | look)
    if d.param.choices:
        several = get_origin(kind) is tuple
        how |= {"multiselect": several, "value": list(d.field.default) if several else d.field.default}
        return OpenDropdown(list(_choices(d, catalog)), **how | look)
    if d.param.widget == "prompt":
        how |= {"lines": 3, "max_lines": 12, "show_label": False, "info": None, "placeholder": d.param.label + _KEYS}
    elif d.param.widget == "seed":
        # Text, because the browser's numbers lose digits above 2**53.
        how |= {"value": str(d.field.default), "max_lines": 1}
    elif kind in (int, float):
        return _number(d, how | look, whole=kind is int)
    else:
        how["max_lines"] = 1
    return gr.Textbox(**how | look)


def _number(d: Declared, look: dict[str, Any], *, whole: bool) -> Any:
    low, high = d.param.slider or d.bounds()
    if low is None or high is None:
        return gr.Number(precision=0 if whole else None, **look)
    return OpenSlider(low, high, step=d.param.step or (1 if whole else 0.01), buttons=[], **look)
