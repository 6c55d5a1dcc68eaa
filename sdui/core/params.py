"""How parameters are declared once for UI, API, infotext and docs; request.py and settings.py do declare them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo


def _whole(value: Any) -> Any:
    """Half of an emoji, as broken programs send it, can be neither stored nor drawn."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return [_whole(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value


Text = Annotated[str, Field(max_length=200_000)]
"""A prompt: longer ones, which no person writes, would take minutes and all memory to be encoded."""


@dataclass(frozen=True, slots=True)
class Param:
    """What people and file formats call one field, and how it is edited."""

    label: str
    help: str = ""
    widget: str = ""
    """"" = chosen from the type; else prompt, seed, directory, lines, text_file (lines, from a file too) or radio."""
    step: float | None = None
    """Slider step."""
    slider: tuple[float, float] | None = None
    """What the slider offers, where that is narrower than what is valid."""
    choices: str | tuple[str, ...] = ""
    """A `Catalog` list such as "samplers", or the options themselves."""
    empty: str = ""
    """What a drop-down calls the value "" when it is beside the others; "" = not offered."""
    infotext: str = ""
    """Key in the PNG text, where "Size-1" and "Size-2" are both halves of "Size: 512x768"; "" = not written."""
    infotext_always: bool = False
    """Written even when the value is the default."""
    a1111: str = ""
    """Name in /sdapi/v1, in config.json and on A1111's `p`; "" = same name."""
    elem_id: str = ""
    """A1111's element id without its tab prefix; "" = the field's name."""
    section: str = ""
    """Settings section; for preferences only."""
    restart: bool = False
    """A preference that is only looked at when the server starts."""
    secret: bool = False
    """Lets people in: neither shown nor told to anybody."""


class Params(BaseModel):
    """A frozen, validated group of parameters."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _choose(cls, value: Any, info: ValidationInfo) -> Any:
        """Options are found in any case, and by their place in the list, as A1111's API and old files have them."""
        value = _whole(value)
        for param in cls.model_fields[info.field_name or ""].metadata:
            if isinstance(param, Param) and isinstance(param.choices, tuple) and param.choices:
                return _choice(value, param.choices)
        return value


def _choice(value: Any, choices: tuple[str, ...]) -> str | tuple[str, ...]:
    """Of several, each. Raises ValueError, which names the options."""
    if isinstance(value, list | tuple):
        several = cast("tuple[Any, ...]", tuple(value))  # pyright: ignore[reportUnknownArgumentType]
        return tuple(str(_choice(one, choices)) for one in several)
    if isinstance(value, int) and 0 <= value < len(choices):
        return choices[value]
    for choice in choices:
        if str(value).casefold() == choice.casefold():
            return choice
    raise ValueError(f"known are {', '.join(choices)}")


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Declared:
    """One parameter and where it is: `path` is "steps" or, inside a stage, "hires.scale"."""

    path: str
    field: FieldInfo
    param: Param

    @property
    def name(self) -> str:
        """What A1111's API, config.json and scripts call it."""
        return self.param.a1111 or self.path.split(".")[-1]

    def of(self, values: Params) -> Any:
        """The value at this path; None when an optional stage on the way is off."""
        node: Any = values
        for part in self.path.split("."):
            node = None if node is None else getattr(node, part)
        return node

    def bounds(self) -> tuple[float | None, float | None]:
        """Smallest and largest valid value, both inclusive; None where there is no limit."""
        low, high = (
            next((v for m in self.field.metadata if (v := getattr(m, key, None)) is not None), None)
            for key in ("ge", "le")
        )
        return low, high


def declared(model: type[Params], prefix: str = "") -> Iterator[Declared]:
    """Every parameter of `model` and of its stages, in declaration order."""
    for name, field in model.model_fields.items():
        for stage in (field.annotation, *get_args(field.annotation)):
            if isinstance(stage, type) and issubclass(stage, Params):
                yield from declared(stage, f"{prefix}{name}.")
        for param in field.metadata:
            if isinstance(param, Param):
                yield Declared(f"{prefix}{name}", field, param)


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """{"hires.scale": 2} -> {"hires": {"scale": 2}}; an empty stage, {"hires": {}}, goes before what is in it."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = tree
        for part in parents:
            node = node.setdefault(part, {})
        node[leaf] = dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
    return tree


def changed(values: P, path: str, value: Any) -> P | None:
    """A copy with another value at `path`, validated; None where a stage on the way is off. Raises ValidationError."""
    name, dot, rest = path.partition(".")
    if dot:
        stage: Params | None = getattr(values, name)
        value = None if stage is None else changed(stage, rest, value)
        if value is None:
            return None
    return type(values).model_validate(dict(values) | {name: value})


def flatten(values: Params, prefix: str = "") -> dict[str, Any]:
    """The reverse of `nest`: every field by path, those of stages that are off left out."""
    flat: dict[str, Any] = {}
    for name, value in values:
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Params) else {f"{prefix}{name}": value}
    return flat


def _given(value: Any) -> str:
    return "nothing" if value in (None, "") else repr(value) if isinstance(value, str) else str(value)


def explain(error: ValidationError, model: type[Params], names: dict[str, str] | None = None) -> str:
    """One sentence per wrong field, naming it as the page does: "Width: 100000 is too large, at most 16384.".

    `names`, by path, are used in place of the page's labels.
    """
    labels = {d.path: d.param.label for d in declared(model)} | (names or {})
    lines: list[str] = []
    for problem in error.errors():
        path = ".".join(str(part) for part in problem["loc"])
        label, context, given = labels.get(path, path), problem.get("ctx", {}), problem["input"]
        shown = repr(given) if isinstance(given, str) else str(given)
        match problem["type"]:
            case "less_than_equal":
                lines.append(f"{label}: {shown} is too large, at most {context['le']}.")
            case "greater_than_equal":
                lines.append(f"{label}: {shown} is too small, at least {context['ge']}.")
            case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
                lines.append(f"{label}: a whole number is needed, not {_given(given)}.")
            case "float_type" | "float_parsing" | "finite_number":
                lines.append(f"{label}: a number is needed, not {_given(given)}.")
            case "string_too_long":
                lines.append(
                    f"{label}: {len(problem['input'])} characters are too many, at most {context['max_length']}."
                )
            case "string_too_short":
                lines.append(f"{label}: choose one.")
            case "value_error":
                lines.append(f"{label}: there is no {shown[:200]}; {context['error']}.")
            case "extra_forbidden":
                lines.append(f"{path}: there is no such parameter.")
            case _:
                lines.append(f"{label}: {problem['msg']}, not {shown[:200]}.")
    return "\n".join(lines)
