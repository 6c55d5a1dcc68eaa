"""Components made from parameter declarations, and read back by name as a validated value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast, get_origin

import gradio as gr
from pydantic import ValidationError

from sdui.core import groups
from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.groups import PREFIX, Every, Extended, Group, Kind, Look, groups_of, script_of
from sdui.core.params import Declared, Param, Params, declared, explain, nest
from sdui.core.ui_defaults import UiDefaults

from .components import OpenCheckboxes, OpenDropdown, OpenRadio, OpenSlider
from .starting import Starting, fitting

T = TypeVar("T", bound=Params)

Updates = dict[Any, Any]
"""Component -> its update; the components that are not named stay as they are."""

_SCRIPT = "script"
_KEYS = "\n(Press Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt)"


class Form(Generic[T]):
    """Fields of one Params class. Place them anywhere, in any order; handlers get them by name."""

    def __init__(
        self,
        model: type[T],
        catalog: Catalog,
        prefix: str,
        lists: Mapping[str, tuple[str, ...]] | None = None,
        defaults: UiDefaults | None = None,
    ) -> None:
        """lists: what drop-downs offer that is not in the catalog, by `Param.choices`.

        prefix: of element ids, and of the keys in `defaults`, the file that overrides what is declared.
        """
        self.components: dict[str, Any] = {}
        self.starting = Starting(defaults, prefix) if defaults else None
        self._model = model
        self._catalog = catalog
        self._lists = lists or {}
        self._prefix = prefix
        self._declared = {d.path: d for d in declared(model)}
        self._groups = groups_of(model) if issubclass(model, Extended) else {}
        self._switches: list[str] = []
        """Stages that a checkbox switches on."""
        self._accordions: dict[str, gr.Accordion] = {}
        """Of these stages, in which the checkbox is."""
        self._extras: dict[str, tuple[str, ...]] = {}
        """Fields that count only while a checkbox is on, by its name."""
        self._scripts: list[str] = []
        """Groups of which the component "script" chooses one by its title."""

    def switch(self, path: str, accordion: gr.Accordion, **look: Any) -> Any:
        """Make the checkbox here without which the stage at this path, and every field in it, is left out.

        accordion: opens when values are shown that have the stage.
        """
        self._switches.append(path)
        self._accordions[path] = accordion
        look = {"label": "Enable", "value": False, "elem_id": f"{self._stage_id(path)}_enable"} | look
        box = self._begin(path, gr.Checkbox(**look), str(accordion.label))
        accordion.open = accordion.open or bool(box.value)
        return self.adopt(path, box)

    def extras(self, name: str, checkbox: gr.Checkbox, paths: tuple[str, ...]) -> None:
        """These fields have their defaults while the checkbox is off; it is shown on when one has another value."""
        self._extras[name] = paths
        self.adopt(name, checkbox)

    def choose_script(self, **look: Any) -> Any:
        """Make the drop-down of scripts here."""
        scripts = [group for group in self._groups.values() if group.place == "script" and self._prefix in group.kinds]
        self._scripts = [PREFIX + group.name for group in scripts]
        titles = ["None", *(group.title for group in sorted(scripts, key=lambda group: group.order))]
        chooser = OpenDropdown(titles, value="None", label="Script", **look)
        return self.adopt(_SCRIPT, self._begin(_SCRIPT, chooser, "Script"))

    def add(self, path: str, **look: Any) -> Any:
        """Make the component of one field here; `look` overrides how it is drawn."""
        d = self._declared[path]
        made: dict[str, Any] = {"elem_id": self._elem_id(d)}
        if missing := self._missing(d):
            made["info"] = " ".join(filter(None, (d.param.help, *missing)))
        return self.adopt(path, self._begin(path, _component(d, self._offered(d), made | look), d.param.label))

    def _begin(self, path: str, component: Any, label: str) -> Any:
        if self.starting:
            group = path.removeprefix(PREFIX).split(".")[0] if path.startswith(PREFIX) else ""
            self.starting.begin(component, label, f"{group}.py" if group else "")
        return component

    def adopt(self, path: str, component: Any) -> Any:
        """Read a field from a component that was made elsewhere."""
        self.components[path] = component
        return component

    def relist(self, catalog: Catalog) -> Updates:
        """Offer from now on what this catalog has; updates for the drop-downs.

        Those that offer what another field says are left alone.
        """
        self._catalog = catalog
        listed = (self._declared[path] for path in self.components if path in self._declared)
        return {
            self.components[d.path]: gr.update(choices=_choices(d, self._offered(d)))
            for d in listed
            if isinstance(d.param.choices, str) and catalog.lists(d.param.choices)
        }

    def param(self, path: str) -> Param:
        """How a field is declared, for a component that is made elsewhere."""
        return self._declared[path].param

    def label(self, path: str) -> str:
        """What the page calls a field, or the checkbox of a stage."""
        if path in self._declared:
            return self._declared[path].param.label
        return str(self._accordions[path].label) if path in self._accordions else str(self.components[path].label)

    def begun(self) -> Updates:
        """For a page that is opened: what the controls begin with by now."""
        return self.starting.again() if self.starting else {}

    def outputs(self) -> list[Any]:
        """What `fill` may change."""
        return [*self.components.values(), *self._accordions.values()]

    def inputs(self) -> dict[str, Any]:
        """For `inputs_kwargs`; the handler gives its keyword arguments to `read`."""
        return {path.replace(".", "__"): component for path, component in self.components.items()}

    def read(self, values: dict[str, Any]) -> T:
        """Validate what the page sent. Raises RequestError with one sentence per wrong field."""
        flat = {name.replace("__", "."): value for name, value in values.items()}
        given = self._without_stages_that_are_off(flat)
        for path, value in given.items():
            if value == "" and path in self._declared and self._declared[path].field.annotation is int:
                given[path] = self._declared[path].field.default
        try:
            return self._model.model_validate(nest(given))
        except ValidationError as error:
            raise RequestError(explain(error, self._model)) from error

    def _without_stages_that_are_off(self, flat: dict[str, Any]) -> dict[str, Any]:
        """Those that are on come first, empty."""
        for name, paths in self._extras.items():
            if not flat.pop(name, False):
                flat = {path: value for path, value in flat.items() if path not in paths}
        on = {path: bool(flat.pop(path, False)) for path in self._switches}
        title = flat.pop(_SCRIPT, None)
        on |= {path: self._groups[path.removeprefix(PREFIX)].title == title for path in self._scripts}
        off = tuple(f"{path}." for path, used in on.items() if not used)
        kept = {path: value for path, value in flat.items() if not path.startswith(off)}
        empty: dict[str, Any] = {path: {} for path, used in on.items() if used}
        return empty | kept

    def fill(self, values: T, keep: tuple[str, ...] = ()) -> tuple[Updates, list[str]]:
        """Updates that show `values`, and a sentence for each value that this server does not offer.

        A field that `values` leaves unsaid stays as it is, unless its absence from an infotext means the default.
        """
        updates: Updates = {}
        unknown: list[str] = []
        for path, component in self.components.items():
            if path in keep:
                continue
            if path not in self._declared:
                on = self._switched(path, values)
                updates[component] = gr.update(value=on)
                if on and path in self._accordions:
                    updates[self._accordions[path]] = gr.update(open=True)
                continue
            d = self._declared[path]
            value = d.of(values)
            if not _said(d, values) or (value is None and "." in path):
                continue
            offered = self._offered(d)
            if offered and not isinstance(value, tuple) and value not in (*offered, d.field.default):
                unknown.append(f"{d.param.label}: {value!r} is not available here; the page keeps what it had.")
                continue
            updates[component] = gr.update(value=_shown(d, value))
        return updates | self._looks(values, keep), unknown

    def restore(self, held: Mapping[str, Any], keep: tuple[str, ...] = ()) -> Updates:
        """Updates that show again what the components, by path, once held; what is of another kind is left out."""
        updates: Updates = {}
        for path, component in self.components.items():
            if path not in keep and path in held and _alike(held[path], component.value):
                updates[component] = gr.update(value=held[path])
        on = [accordion for path, accordion in self._accordions.items() if held.get(path) is True]
        updates |= {accordion: gr.update(open=True) for accordion in on}
        for group in self._groups.values():
            paths = {name: f"{PREFIX}{group.name}.{name}" for name in group.model_fields}
            updates |= self._looks_of(group, {name: held.get(path) for name, path in paths.items()}, keep)
        return updates

    def hold(self, values: Mapping[str, Any]) -> tuple[Updates, list[str]]:
        """As `restore`, and a sentence for each value that no control can take."""
        watched = tuple(f"{PREFIX}{group.name}." for group in self._groups.values() if group.watched)
        here = {path: value for path, value in values.items() if path in self.components}
        taken = {
            path: value
            for path, value in here.items()
            if path.startswith(watched) or fitting(self.components[path], {"value": value})
        }
        gone = "is not available here; the page keeps what it had."
        refused = [f"{self.label(path)}: {here[path]!r} {gone}" for path in here if path not in taken]
        unknown = [f"{path}: there is no such control here." for path in values if path not in here]
        return self.restore(taken), refused + unknown

    def _looks(self, values: T, keep: tuple[str, ...]) -> Updates:
        updates: Updates = {}
        for group in self._groups.values():
            held: Group | None = getattr(getattr(values, "extensions", None), group.name, None)
            if held is not None:
                updates |= self._looks_of(group, dict(held), keep)
        return updates

    def _looks_of(self, group: type[Group], held: dict[str, Any], keep: tuple[str, ...]) -> Updates:
        """A drop-down holds only what it offers, so both come in one update."""
        if not group.watched or not issubclass(self._model, Extended):
            return {}
        looks = group.looks(held, self._model, self._kind())
        places = {name: f"{PREFIX}{group.name}.{name}" for name in looks}
        return {
            self.components[path]: self.looking(looks[name])
            for name, path in places.items()
            if path in self.components and path not in keep
        }

    def _kind(self) -> Kind:
        return "img2img" if self._prefix == "img2img" else "txt2img"

    def looking(self, look: Look) -> Any:
        """The update that shows a field so."""
        choices = self._catalog.names(look.choices) if isinstance(look.choices, str) else look.choices
        changed: Updates = {"choices": list(choices)} if choices else {}
        if look.value is not None:
            changed["value"] = list(choices) if look.value is Every else look.value
        return gr.update(visible=look.visible, **changed)

    def _switched(self, path: str, values: T) -> bool | str:
        """Whether a stage is on, or extra fields are used; of the scripts, which."""
        if path in self._extras:
            fields = (self._declared[name] for name in self._extras[path])
            return any(d.of(values) != d.field.default for d in fields)
        if path != _SCRIPT:
            node: Any = values
            for part in path.split("."):
                node = getattr(node, part, None)
            return node is not None
        script = script_of(values) if isinstance(values, Extended) else None
        return script.title if script else "None"

    def _offered(self, d: Declared) -> tuple[str, ...]:
        if d.path.startswith(PREFIX) and issubclass(self._model, Extended):
            group, name = d.path.removeprefix(PREFIX).split(".")
            offered = self._groups[group].offered(name, self._model, self._kind())
            if offered is not None:
                return offered
        if not isinstance(d.param.choices, str) or not d.param.choices:
            return _own(d)
        return self._lists.get(d.param.choices) or self._catalog.names(d.param.choices)

    def _missing(self, d: Declared) -> tuple[str, ...]:
        """Which files would have to be put where for all that is offered."""
        listed = isinstance(d.param.choices, str) and self._catalog.lists(d.param.choices)
        return self._catalog.problems(str(d.param.choices)) if listed else ()

    def _elem_id(self, d: Declared) -> str:
        name = d.param.elem_id or d.path.rpartition(".")[2]
        if d.path.startswith(PREFIX):
            stage = self._stage_id(d.path.rpartition(".")[0])
            return f"{stage}_{name}" if stage and not (d.param.elem_id and self._prefix == "extras") else name
        return f"{self._prefix}_{d.param.elem_id or d.path.replace('.', '_')}"

    def _stage_id(self, path: str) -> str:
        if not path.startswith(PREFIX):
            return f"{self._prefix}_{path.replace('.', '_')}"
        group = self._groups[path.removeprefix(PREFIX)]
        if group.place == "operation":
            return f"extras_{group.name}"
        return groups.elem_id(group, "img2img" if self._prefix == "img2img" else "txt2img")


def _said(d: Declared, values: Params) -> bool:
    by_absence = d.param.infotext and not d.param.infotext_always
    return d.path.split(".")[0] in values.model_fields_set or bool(by_absence)


def _alike(value: Any, shown: Any) -> bool:
    """Whether a component that shows the one can show the other; numbers are numbers, whole or not."""
    kinds = (bool, (int, float), str, list)
    kind = next((kind for kind in kinds if isinstance(value, kind)), None)
    return kind is not None and (isinstance(shown, kind) or (kind is str and shown is None))


def _own(d: Declared) -> tuple[str, ...]:
    return d.param.choices if isinstance(d.param.choices, tuple) else ()


def _shown(d: Declared, value: Any) -> Any:
    if isinstance(value, tuple):
        return list(cast("tuple[Any, ...]", value))
    return str(value) if d.param.widget == "seed" else value


def _choices(d: Declared, offered: tuple[str, ...]) -> list[Any]:
    return [*([(d.param.empty, "")] if d.param.empty else []), *offered]


def _component(d: Declared, offered: tuple[str, ...], look: dict[str, Any]) -> Any:
    kind: Any = d.field.annotation
    how: dict[str, Any] = {
        "label": d.param.label,
        "value": "" if d.field.is_required() else d.field.default,
        "info": d.param.help or None,
    }
    if kind is bool:
        return gr.Checkbox(**how | look)
    several = get_origin(kind) is tuple
    if several:
        how["value"] = list(d.field.default)
    if d.param.widget == "radio":
        boxes: Any = OpenCheckboxes if several else OpenRadio
        return boxes([*offered], **how | look)
    if d.param.choices or several:
        how |= {"multiselect": True, "allow_custom_value": not d.param.choices} if several else {}
        how["choices"] = _choices(d, offered)
        return OpenDropdown(**how | look)
    if d.param.widget == "prompt":
        how |= {"lines": 3, "max_lines": 12, "show_label": False, "info": None, "placeholder": d.param.label + _KEYS}
        how["elem_classes"] = ["prompt"]
    elif d.param.widget in ("lines", "text_file"):
        how |= {"lines": 3, "max_lines": 20}
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
