"""Runs the code."""

from __future__ import annotations

from typing import Any

from sdui.core.errors import RequestError
from sdui.core.groups import values_of, without
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook

from .params import CustomCode


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, CustomCode)
    if values is None:
        return None
    try:
        code = compile(values.code, "Python code", "exec")
    except (SyntaxError, ValueError) as error:
        raise RequestError(f"Python code: {error}.") from error
    scope: dict[str, Any] = {"request": without(request, CustomCode), "drawing": drawing}
    # The user has said --allow-code: whoever reaches the page may run what they like.
    exec(code, scope)
    return True
