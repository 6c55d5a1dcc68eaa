"""Settings that every new request starts from: those of its parameters that A1111 has among its options."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, TypeVar

from pydantic import create_model

from .params import Declared, Params, declared
from .request import GenerationRequest
from .settings import Preferences

R = TypeVar("R", bound=GenerationRequest)


def options(request: type[GenerationRequest]) -> tuple[Declared, ...]:
    """The parameters that are settings as well; `name` is their key in config.json."""
    return tuple(d for d in declared(request) if d.param.section)


def preferences(request: type[GenerationRequest]) -> type[Preferences]:
    """The settings' class, with the options of this class of requests among them."""
    fields: dict[str, Any] = {
        d.name: (Annotated[(d.field.annotation, *d.field.metadata)], d.field.default) for d in options(request)
    }
    return create_model("Preferences", __base__=Preferences, **fields)


def values(held: Preferences, request: type[GenerationRequest]) -> dict[str, Any]:
    """What the settings say of a request, by path."""
    return {d.path: getattr(held, d.name) for d in options(request) if hasattr(held, d.name)}


def applied(request: R, held: Preferences, shown: Collection[str]) -> R:
    """The request with the settings' values, but for what the page's controls show; stages that are off stay off."""
    for path, value in values(held, type(request)).items():
        if path not in shown:
            request = _with(request, path.split("."), value)
    return request


def _with(node: Any, path: list[str], value: Any) -> Any:
    """Copies, so that what was left unsaid stays unsaid."""
    held = getattr(node, path[0])
    if not isinstance(held, Params) and len(path) > 1:
        return node
    changed = value if len(path) == 1 else _with(held, path[1:], value)
    return node if changed == held else node.model_copy(update={path[0]: changed})
