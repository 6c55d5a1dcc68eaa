"""GET /page/preferences: the preferences that the page's own scripts go by, fetched when one is needed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from sdui.services import Services

_NAMES = (
    "disable_token_counters",
    "keyedit_precision_attention",
    "keyedit_precision_extra",
    "keyedit_delimiters",
    "keyedit_move",
    "prompt_completion",
    "show_progress_in_title",
    "notification_audio",
    "notification_volume",
)
"""Scripts get these and no others; preferences.js asks for them."""


def routes(services: Services) -> APIRouter:
    def preferences() -> dict[str, Any]:
        return {name: getattr(services.settings.current, name) for name in _NAMES}

    router = APIRouter()
    router.get("/page/preferences")(preferences)
    return router
