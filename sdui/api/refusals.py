"""What is answered where something cannot be done: A1111's form of an error, and FastAPI's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from sdui.core.errors import ModelNotFound, PictureNotFound, RequestError, SduiError

_STATUS = {RequestError.__name__: 422, ModelNotFound.__name__: 404, PictureNotFound.__name__: 404}
"""Of an error's class; any other is the server's own, 500."""


class TaskFailed(Exception):
    """A job has failed; `kind` is the name of its error's class."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class Refusal(BaseModel):
    """A1111's form of an error."""

    error: str
    """The error's class."""
    detail: str
    body: str
    errors: str


class Wrong(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Refused(BaseModel):
    """What is wrong with a request: FastAPI's list, with A1111's fields beside it where sdui has found it."""

    detail: list[Wrong]
    error: str | None = None
    body: str | None = None
    errors: str | None = None


class Said(BaseModel):
    """FastAPI's form of a short answer."""

    detail: str


UNREADABLE: dict[int | str, dict[str, Any]] = {400: {"model": Said, "description": "The body cannot be read."}}
REFUSED: dict[int | str, dict[str, Any]] = {422: {"model": Refused, "description": "The request cannot be run."}}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Refusal, "description": "There is no such model."}}
FAILED: dict[int | str, dict[str, Any]] = {500: {"model": Refusal, "description": "The work has failed."}}
"""What routes that may answer so say in `responses`."""
REFUSALS = REFUSED | NOT_FOUND | FAILED
"""Of work on pictures."""


def refused(request: Request, error: Exception) -> JSONResponse:
    """A1111's form of an error, with a sentence that says what to do; 422 has FastAPI's list, as A1111's has."""
    kind, sentence = error.kind if isinstance(error, TaskFailed) else type(error).__name__, whole(str(error))
    status = _STATUS.get(kind, 500)
    field = sentence.partition(":")[0]
    detail = [{"loc": ["body", field], "msg": sentence, "type": "value_error"}] if status == 422 else sentence
    return JSONResponse({"error": kind, "detail": detail, "body": "", "errors": sentence}, status)


def invalid(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's answer to what is of the wrong form, without repeating it: not all that is sent can be sent back."""
    problems: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    detail: list[dict[str, Any]] = []
    lines: list[str] = []
    for problem in problems:
        place: list[str | int] = [one if isinstance(one, int) else whole(one) for one in problem["loc"]]
        said = whole(problem["msg"])
        detail.append({"loc": place, "msg": said, "type": problem["type"]})
        lines.append(f"{'.'.join(map(str, place[1:]))}: {said}")
    answer = {"error": type(error).__name__, "detail": detail, "body": "", "errors": "\n".join(lines)}
    return JSONResponse(answer, 422)


def repaired(value: Any) -> Any:
    """The same of every text in a JSON value, and nothing in the place of numbers that JSON does not have."""
    if isinstance(value, dict):
        entries = cast("dict[Any, Any]", value)
        return {whole(str(name)): repaired(one) for name, one in entries.items()}
    if isinstance(value, list | tuple):
        return [repaired(one) for one in cast("list[Any]", value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return whole(value) if isinstance(value, str) else value


def whole(text: str) -> str:
    """Half of an emoji, as broken programs send or leave it, cannot be sent."""
    return text.encode(errors="replace").decode()


FAILURES = {SduiError: refused, TaskFailed: refused, RequestValidationError: invalid}
"""By the error's class, what answers it."""
