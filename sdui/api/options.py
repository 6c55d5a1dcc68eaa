"""The settings under A1111's names. Those that sdui does not have are kept for the clients that set them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import to_json

from sdui.core.catalog import Catalog, Checkpoint
from sdui.core.errors import ModelNotFound, OutputError, RequestError
from sdui.core.params import Params, declared, explain
from sdui.core.request import LoadRequest
from sdui.core.settings import Preferences
from sdui.services import Services

from .refusals import FAILED, NOT_FOUND, REFUSED
from .tasks import Tasks

_CHECKPOINT = "sd_model_checkpoint"
_TYPES: dict[type, Any] = {
    bool: bool,
    int: int | float,
    float: int | float,
    str: str,
    list: list[Any],
    dict: dict[str, Any],
}


def routes(services: Services, tasks: Tasks) -> APIRouter:
    served, options = APIRouter(), _Options(services, tasks)
    served.get("/options", response_model=_response(services.settings.model, options.foreign))(options.get)
    served.post("/options", responses=REFUSED | NOT_FOUND | FAILED)(options.set)
    return served


class _Options:
    def __init__(self, services: Services, tasks: Tasks) -> None:
        self._services, self._tasks = services, tasks
        self.foreign = _foreign(services.settings.model)
        """A1111's settings that are none here, with A1111's defaults."""

    def get(self) -> dict[str, Any]:
        settings = self._services.settings
        kept = {name: value for name, value in settings.foreign.items() if _is_json({name: value})}
        told = self._lenient(kept) | settings.current.model_dump()
        chosen = self._services.checkpoint(self._services.jobs.catalog())
        return told | {_CHECKPOINT: chosen.title if chosen else ""}

    async def set(self, body: dict[str, Any]) -> None:
        """All of them or, where one cannot be set, none. Another checkpoint is loaded before the answer."""
        settings = self._services.settings
        own = {name: value for name, value in body.items() if name in settings.model.model_fields}
        foreign = self._checked({name: value for name, value in body.items() if name not in own})
        if _CHECKPOINT in own:
            catalog = await run_in_threadpool(self._services.jobs.fresh_catalog)
            chosen = named_checkpoint(catalog, own[_CHECKPOINT])
            own[_CHECKPOINT] = chosen.title
            _validated(settings.model, settings.current, own)
            if chosen != self._services.checkpoint(catalog):
                await self._tasks.done(LoadRequest(model=chosen.title))
        await run_in_threadpool(self._change, own, foreign)

    def _change(self, own: dict[str, Any], foreign: dict[str, Any]) -> None:
        settings = self._services.settings
        try:
            settings.change(foreign, **own)
        except ValidationError as error:
            raise RequestError(_explained(error, settings.model)) from error
        except OSError as error:
            raise OutputError(f"{settings.path} cannot be written: {error.strerror or error}.") from error

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        """Values for other programs' keys. Raises RequestError for those of A1111 that are of the wrong type."""
        for name, value in given.items():
            if not _is_json({name: value}):
                raise RequestError(
                    f"{name}: this cannot be kept: numbers must be finite, texts valid Unicode, lists not too deep."
                )
        try:
            return self.foreign.model_validate(given).model_dump(exclude_unset=True)
        except ValidationError as error:
            raise RequestError(_explained(error, self.foreign)) from error

    def _lenient(self, given: dict[str, Any]) -> dict[str, Any]:
        """What a file has for other programs; values of the wrong type count as unset."""
        try:
            return self.foreign.model_validate(given).model_dump()
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            return self._lenient({name: value for name, value in given.items() if name not in wrong})


def named_checkpoint(catalog: Catalog, name: Any) -> Checkpoint:
    """By title, name, file name or hash, "" for the first usable one. Raises ModelNotFound and RequestError."""
    if not isinstance(name, str):
        raise RequestError(f"{_CHECKPOINT}: the title, name or hash of a checkpoint is needed, not {name!r}.")
    found = catalog.find(name, name) if name else catalog.checkpoint("")
    if found is None:
        known = ", ".join(catalog.names("checkpoints")) or "none"
        raise ModelNotFound(f"{_CHECKPOINT}: there is no {name!r}; known are {known}.")
    if found.problem:
        raise RequestError(f"{_CHECKPOINT}: {found.title} cannot be used: {found.problem}")
    return found


def _foreign(own: type[Preferences]) -> type[BaseModel]:
    defaults: dict[str, Any] = json.loads(files("sdui.api").joinpath("assets/a1111_options.json").read_text("utf-8"))
    fields: dict[str, Any] = {
        name: (Annotated[_TYPES[type(default)], Field(title=name)], default)
        for name, default in defaults.items()
        if name not in own.model_fields
    }
    return create_model("Foreign", __config__=ConfigDict(extra="allow"), **fields)


def _response(own: type[Preferences], foreign: type[BaseModel]) -> type[BaseModel]:
    """Own settings are told as they are declared."""
    fields: dict[str, Any] = {
        d.path: (
            Annotated[(d.field.annotation, *d.field.metadata, Field(title=d.param.label, description=d.param.help))],
            d.field.default,
        )
        for d in declared(own)
    }
    return create_model("Options", __base__=foreign, **fields)


def _validated(model: type[Preferences], current: Preferences, given: dict[str, Any]) -> None:
    """Raises RequestError."""
    try:
        model.model_validate(current.model_dump() | given)
    except ValidationError as error:
        raise RequestError(_explained(error, model)) from error


def _explained(error: ValidationError, model: type[BaseModel]) -> str:
    if issubclass(model, Params):
        return explain(error, model, {name: name for name in model.model_fields})
    return "\n".join(f"{problem['loc'][0]}: {problem['msg']}." for problem in error.errors())


def _is_json(value: Any) -> bool:
    """Whether it can be written into a file and an answer."""
    try:
        json.dumps(value, indent=4, allow_nan=False, ensure_ascii=False).encode()
        to_json(value)
    except (ValueError, RecursionError):
        return False
    return True
