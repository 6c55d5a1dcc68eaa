"""Parameters that extensions add to a request, declared like the core's: one `Group` for each thing to switch on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, cast, get_args

from pydantic import create_model

from .errors import LaunchError
from .params import Declared, Params, declared

Kind = Literal["txt2img", "img2img"]
Place = Literal["always", "script", "operation"]
KINDS: tuple[Kind, ...] = ("txt2img", "img2img")
PREFIX = "extensions."
_NAME = re.compile("[a-z][a-z0-9_]*")

G = TypeVar("G", bound="Group")
R = TypeVar("R", bound="Extended")


class Look(NamedTuple):
    """How the page shows a field."""

    visible: bool = True
    choices: str | tuple[str, ...] = ()
    """Of a drop-down: a list of the `Catalog`, or the values themselves."""
    value: Any = None
    """What it holds from now on, also `Every`; None: what it held."""


class Button(NamedTuple):
    """Below the fields; `Group.pressed` says what it does to them."""

    elem_id: str
    title: str


class Every:
    """In place of a drop-down's value: all that it offers."""


class Group(Params):
    """What one extension, script or operation is told. It does its work where its group is in the request."""

    name: ClassVar[str]
    """A Python name in lower case; the field of `request.extensions`."""
    title: ClassVar[str]
    """What the page, A1111's `script_name` and `alwayson_scripts` call it."""
    place: ClassVar[Place] = "always"
    """Where it is switched on: an accordion of its own, the Script drop-down, or the Extras tab."""
    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    """The tabs that have it."""
    switch: ClassVar[tuple[str, ...]] = ()
    """A1111's fields and options that switch it on, such as restore_faces."""
    order: ClassVar[int] = 1000
    """Of accordions and of Extras' operations, lowest first."""
    watched: ClassVar[tuple[str, ...]] = ()
    """The fields on which `looks` depends."""
    buttons: ClassVar[tuple[Button, ...]] = ()
    argument_order: ClassVar[tuple[str, ...]] = ()
    """Of A1111's `script_args`, "" where it has one that means nothing here; () is the order of declaration."""

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """The fields in the order of A1111's `script_args`, "" for those that mean nothing here."""
        return cls.argument_order or tuple(cls.model_fields)

    @classmethod
    def from_arguments(cls, arguments: Sequence[Any], kind: Kind) -> dict[str, Any]:
        """The fields of A1111's positional `script_args`.

        None, which stands where A1111 has a control without a value, is the field's default.
        """
        pairs = zip(cls.arguments(), arguments, strict=False)
        return {name: value for name, value in pairs if name and value is not None}

    @classmethod
    def offered(cls, field: str, request: type[Extended], kind: Kind) -> tuple[str, ...] | None:
        """What a drop-down of this field offers where that depends on the other extensions; None: as declared."""
        return None

    @classmethod
    def looks(cls, values: Mapping[str, Any], request: type[Extended], kind: Kind) -> dict[str, Look]:
        """The fields that look differently while the controls hold these values, which need not be valid."""
        return {}

    @classmethod
    def pressed(cls, button: str, values: Mapping[str, Any], request: type[Extended], kind: Kind) -> dict[str, Look]:
        """What the button with this id makes of the fields, which hold these values."""
        return {}


class Extensions(Params):
    """The groups of one request; `with_groups` gives it its fields, each None while it is off."""


class Extended(Params):
    """A request that extensions can add parameters to."""

    extensions: Extensions = Extensions()


def elem_id(group: type[Group], kind: Kind) -> str:
    """A1111's element id of a script's controls, without the control's own name."""
    title = re.sub("[^a-z_0-9]", "", re.sub(r"\s", "_", group.title.lower()))
    return f"script_{kind}_{title}" if group.kinds == KINDS else f"script_{title}"


def with_groups(request: type[R], groups: Iterable[type[Group]]) -> type[R]:
    """A request class whose `extensions` has a field for each of the groups.

    Raises LaunchError for a name that two groups have, or that is no name.
    """
    fields: dict[str, Any] = {}
    for group in groups:
        if not _NAME.fullmatch(group.name):
            raise LaunchError(f"Extension: {group.name!r} cannot be the name of parameters; a_name in lower case can.")
        if group.name in fields:
            raise LaunchError(f"Extension: two of them have parameters named {group.name!r}.")
        fields[group.name] = (group | None, None)
    extensions = create_model("Extensions", __base__=Extensions, **fields)
    return create_model(request.__name__, __base__=request, extensions=(extensions, extensions()))


def groups_of(request: type[Extended]) -> dict[str, type[Group]]:
    """By name, in the order in which they were added."""
    extensions = cast("type[Extensions]", request.model_fields["extensions"].annotation)
    parts = (part for field in extensions.model_fields.values() for part in get_args(field.annotation))
    return {part.name: part for part in parts if isinstance(part, type) and issubclass(part, Group)}


def parameters(group: type[Group]) -> Iterator[Declared]:
    """With the paths that they have in a request."""
    return declared(group, f"{PREFIX}{group.name}.")


def values_of(request: Extended, group: type[G]) -> G | None:
    """The group's values in a request; None where it is off, or where the request's class does not have it."""
    values = getattr(request.extensions, group.name, None)
    return values if isinstance(values, group) else None


def script_of(request: Extended) -> Group | None:
    """The selected script's values."""
    values = (value for _, value in request.extensions)
    return next((value for value in values if isinstance(value, Group) and value.place == "script"), None)


def without(request: R, group: type[Group]) -> R:
    """A copy of the request in which this group is off."""
    extensions = request.extensions.model_copy(update={group.name: None})
    return request.model_copy(update={"extensions": extensions})


def having(request: R, values: Group) -> R:
    """A copy of the request in which this group is on. The request's class must have it."""
    extensions = request.extensions.model_copy(update={values.name: values})
    return request.model_copy(update={"extensions": extensions})
