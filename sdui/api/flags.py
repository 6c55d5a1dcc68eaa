"""The start options under A1111's names; secrets are not told."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter
from pydantic import BaseModel, Field, create_model

from sdui.core.launch import Launch
from sdui.core.params import declared
from sdui.sysinfo import is_secret

_TYPES: dict[str, Any] = {
    "boolean": bool | None,
    "integer": int | None,
    "string": str | None,
    "array": list[Any] | None,
    "object": dict[str, Any] | None,
}


def routes(launch: Launch) -> APIRouter:
    served = APIRouter()
    known: dict[str, dict[str, Any]] = json.loads(
        files("sdui.api").joinpath("assets/a1111_flags.json").read_text("utf-8")
    )

    def flags() -> dict[str, Any]:
        """What A1111 has and sdui does not has A1111's default."""
        return {name: _told(launch, name, flag) for name, flag in known.items()}

    served.get("/cmd-flags", response_model=_response(known))(flags)
    return served


def _told(launch: Launch, name: str, flag: dict[str, Any]) -> Any:
    if is_secret(name):
        return None
    value: Any = getattr(launch, name) if name in Launch.model_fields else None
    given = value not in (None, "", ())
    if flag["type"] == "array":
        return [str(one) for one in value] if given else flag["default"]
    if flag["type"] != "string":
        return value if given else flag["default"]
    if given:
        return _text(value)
    default: str | None = flag["default"]
    folders = {"{models}": launch.folder("models"), "{data}": launch.data_dir.resolve()}
    for name, folder in folders.items():
        default = default and default.replace(name, str(folder))
    return default


def _text(value: Any) -> str:
    """Of several folders the first, as A1111 has one only."""
    if not isinstance(value, tuple):
        return str(value)
    several = cast("tuple[Any, ...]", value)
    return str(several[0]) if isinstance(several[0], Path) else ",".join(map(str, several))


def _response(known: dict[str, dict[str, Any]]) -> type[BaseModel]:
    own = {d.path: d.param for d in declared(Launch)}
    fields: dict[str, Any] = {
        name: (
            Annotated[
                _TYPES[flag["type"]],
                Field(title=own[name].label, description=own[name].help) if name in own else Field(title=name),
            ],
            None,
        )
        for name, flag in known.items()
    }
    return create_model("Flags", **fields)
