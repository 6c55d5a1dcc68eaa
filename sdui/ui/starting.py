"""What the controls of a tab begin with when the file ui-config.json says otherwise than their declaration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

import gradio as gr

from sdui.core.ui_defaults import Control, UiDefaults


def fitting(component: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the control can take of these properties, as it has to be handed over; the rest is left out.

    A file of A1111 says of every control that it is visible, also where it waits for another one: only False counts.
    """
    taken: dict[str, Any] = {}
    if given.get("visible") is False:
        taken["visible"] = False
    limits = {name: given[name] for name in ("minimum", "maximum", "step") if _is_number(given.get(name))}
    if isinstance(component, gr.Slider) and _are_limits(vars(component) | limits):
        taken |= limits
    value = _value(component, given.get("value"))
    return taken if value is None else taken | {"value": value}


def _value(component: Any, value: Any) -> Any:
    """None where it is nothing that the control can hold."""
    match component:
        case gr.Checkbox():
            return value if isinstance(value, bool) else None
        case gr.Slider() | gr.Number():
            return value if _is_number(value) else None
        case gr.Dropdown() | gr.Radio() | gr.CheckboxGroup():
            offered = [value for _, value in cast("list[tuple[str, Any]]", component.choices or [])]
            if isinstance(component, gr.CheckboxGroup) or getattr(component, "multiselect", False):
                several = cast("list[Any]", value) if isinstance(value, list) else None
                free = getattr(component, "allow_custom_value", False)
                return several if several is not None and all(free or one in offered for one in several) else None
            return value if value in offered else None
        case gr.Textbox():
            return str(value) if isinstance(value, str) or _is_number(value) else None
        case _:
            return None


def _are_limits(slider: Mapping[str, Any]) -> bool:
    return slider["minimum"] < slider["maximum"] and slider["step"] > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Starting:
    """The controls of one tab by A1111's names. Of several with the same label only the first has a name."""

    def __init__(self, defaults: UiDefaults, tab: str) -> None:
        self._defaults = defaults
        self._tab = tab
        self._controls: dict[Control, Any] = {}
        self._declared: dict[Control, Any] = {}
        """Values that they would begin with without the file."""

    def begin(self, component: Any, label: str, script: str = "") -> None:
        """Have a new control look as the file says."""
        control = Control(self._tab, label, script)
        if control in self._controls:
            return
        self._controls[control] = component
        self._declared[control] = component.value
        for name, value in fitting(component, self._defaults.of(control)).items():
            setattr(component, name, value)

    def again(self) -> dict[Any, Any]:
        """For a page that is opened: what the file says by now, which may be more than when the page was built."""
        taken = ((component, fitting(component, self._defaults.of(one))) for one, component in self._controls.items())
        return {component: gr.update(**look) for component, look in taken if look}

    def changed(self, values: Mapping[Any, Any], otherwise: Mapping[str, Any]) -> Iterator[tuple[Control, Any, Any]]:
        """Controls that do not hold what they begin with: that, and what they hold; `values` are by component.

        otherwise: values that they begin with if the file does not say another, by label.
        """
        for control, component in self._controls.items():
            declared = otherwise.get(control.label, self._declared[control])
            begun = fitting(component, self._defaults.of(control)).get("value", declared)
            now = _value(component, values.get(component))
            if now is not None and now != begun:
                yield control, begun, now
