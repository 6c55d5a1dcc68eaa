"""A request as the body of A1111's /sdapi/v1/txt2img or img2img: only what was said, the rest is for the server."""

from __future__ import annotations

import base64
from typing import Any

from sdui.core.groups import PREFIX, Group
from sdui.core.params import declared
from sdui.core.request import GenerationRequest

_OPTIONS = ("model", "vae")
"""Beside the parameters that are settings: what A1111 has among its options and not among the fields."""


def body_of(request: GenerationRequest, said: frozenset[str]) -> dict[str, Any]:
    """`said`: paths of what is sent although it is the default."""
    fields: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for d in declared(type(request)):
        value = d.of(request)
        if value is None or d.path.startswith(PREFIX) or (value == d.field.default and d.path not in said):
            continue
        if d.param.section or d.path in _OPTIONS:
            options[d.name] = value
        else:
            # A1111's fields have the places of choices, not their names.
            fields[d.name] = d.param.choices.index(value) if isinstance(d.param.choices, tuple) else value
    if request.hires:
        fields["enable_hr"] = True
    if request.init:
        fields["init_images"] = [_text(request.init.image)]
        if request.init.inpaint:
            fields["mask"] = _text(request.init.inpaint.mask)
    groups = {name: group for name, group in request.extensions if isinstance(group, Group)}
    if groups:
        fields["extensions"] = {name: group.model_dump(mode="json") for name, group in groups.items()}
    return fields | ({"override_settings": options} if options else {})


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
