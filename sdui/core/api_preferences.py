"""Preferences of the HTTP API."""

from __future__ import annotations

from typing import Annotated

from .params import Param, Params

_API = "API"


class ApiPreferences(Params):
    api_enable_requests: Annotated[
        bool,
        Param(
            "Allow http:// and https:// URLs for input images in API",
            "The server fetches them, from public addresses alone.",
            section=_API,
        ),
    ] = True
    api_useragent: Annotated[str, Param("User agent for requests", section=_API)] = ""
