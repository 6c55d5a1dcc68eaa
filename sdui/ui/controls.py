"""All controls of several forms at once, with what they hold on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .form import Form, Updates


class Controls:
    """Names are the form's and the field's path, such as "txt2img.hires.scale"."""

    def __init__(self, forms: Mapping[str, Form[Any]]) -> None:
        self.forms = forms
        seen: dict[Any, str] = {}
        for tab, form in forms.items():
            for path, component in form.components.items():
                seen.setdefault(component, f"{tab}.{path}")  # the checkpoint's drop-down is in two of them
        self._components = {name: component for component, name in seen.items()}

    def inputs(self) -> dict[str, Any]:
        """For `inputs_kwargs`; the handler gives its keyword arguments to `held`."""
        return {name.replace(".", "__"): component for name, component in self._components.items()}

    def outputs(self) -> list[Any]:
        return list(dict.fromkeys(part for form in self.forms.values() for part in form.outputs()))

    def held(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """By name."""
        return {name: values[name.replace(".", "__")] for name in self._components if name.replace(".", "__") in values}

    def by_component(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        return {self._components[name]: value for name, value in self.held(values).items()}

    def hold(self, values: Mapping[str, Any]) -> tuple[Updates, list[str]]:
        """Updates after which the controls hold these values, by name; and a sentence for each that none can take."""
        updates: Updates = {}
        unknown: list[str] = []
        for tab, form in self.forms.items():
            own = {name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{tab}.")}
            changed, refused = form.hold(own)
            updates |= changed
            unknown += [f"{tab}, {sentence}" for sentence in refused]
        return updates, unknown

    def label(self, name: str) -> str:
        """As people find it: "txt2img, Sampling steps"."""
        tab, _, path = name.partition(".")
        form = self.forms.get(tab)
        return f"{tab}, {form.label(path)}" if form and path in form.components else name
