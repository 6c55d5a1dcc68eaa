"""How the page is put into the server, with its routes, styles and scripts, and how it is built anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from gradio.themes import Base
from gradio.themes.utils import colors
from starlette.responses import Response
from starlette.routing import Mount

from sdui.services import Services

from . import (
    completions,
    history_routes,
    localizations,
    network_routes,
    page,
    queue_panel,
    script_preferences,
    settings,
    sounds,
    token_counts,
)

ASSETS = Path(__file__).parent / "assets"
_STYLES = (
    "style",
    "accessible",
    "icons",
    "results",
    "viewer",
    "queue_panel",
    "virtual_grid",
    "history",
    "png_info",
    "prompts",
    "networks",
    "canvas",
    "merger",
    "settings",
)
_KEEP_OUT = "<script>document.documentElement.inert = true;</script>"
"""Until the page knows the form of an earlier visit: its answer would take away what was typed before it."""
_ROUTES = (network_routes, queue_panel, script_preferences, token_counts, completions, localizations, sounds)


class _Assets(StaticFiles):
    """Asked for anew each time, and mostly answered with "not modified": otherwise a browser guesses for how long a
    file counts, and after an update mixes old modules with new ones."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def mount(app: FastAPI, services: Services) -> FastAPI:
    """The page at "/" of `app`. It serves no folder, only each single picture that it shows (`components.serve`)."""
    app.mount("/ui", _Assets(directory=ASSETS), name="ui")
    built = page.build(services)
    for part in _ROUTES:
        app.include_router(part.routes(services))
    if services.history:
        app.include_router(history_routes.routes(services.history))
    for router in settings.routes(services, built):
        app.include_router(router)
    app.include_router(_rebuilding(app, services))
    app.include_router(_starting())
    return _mounted(app, built, services.launch.subpath)


def _rebuilding(app: FastAPI, services: Services) -> APIRouter:
    """POST /page/rebuild, for settings that say what stands where; jobs go on, other pages have to be loaded again."""

    async def rebuild(asked: dict[str, str]) -> dict[str, str]:
        """asked: without any; a body of JSON is what other sites cannot send."""
        built = page.build(services)
        fresh = _mounted(FastAPI(), built, services.launch.subpath)
        # What Gradio does when a server starts with a page.
        built.run_startup_events()
        await built.run_extra_startup_events()
        _page_of(app).app = _page_of(fresh).app
        return {}

    served = APIRouter()
    served.post("/page/rebuild")(rebuild)
    return served


def _starting() -> APIRouter:
    """GET /page/start, for pages that outlive the server (restart.js)."""
    start = uuid4().hex
    served = APIRouter()
    served.get("/page/start")(lambda: {"start": start})
    return served


def _page_of(app: FastAPI) -> Mount:
    return next(route for route in app.routes if isinstance(route, Mount) and route.path == "")


def _mounted(app: FastAPI, built: gr.Blocks, subpath: str) -> FastAPI:
    """The page's own addresses are relative: it is the only document, and at the root of the subpath."""
    styles = "".join(f'<link rel="stylesheet" href="ui/{name}.css">' for name in _STYLES)
    return gr.mount_gradio_app(
        app,
        built,
        path="/",
        root_path=subpath or None,
        theme=_theme(),
        head=(
            f"{_KEEP_OUT}{styles}"
            f'<link rel="icon" type="image/svg+xml" href="ui/favicon.svg">'
            f'<script type="module" src="ui/page.js"></script>'
        ),
        favicon_path=str(ASSETS / "favicon.svg"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
    )


def _theme() -> Base:
    """Gradio's own, with the system's fonts: nothing is fetched from elsewhere."""
    sans = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    mono = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
    theme = Base(primary_hue=colors.indigo, neutral_hue=colors.slate, font=[*sans], font_mono=[*mono])
    return theme.set(
        body_background_fill="#f5f6fa",
        body_background_fill_dark="#0f1116",
        block_background_fill="#ffffff",
        block_background_fill_dark="#171a21",
        background_fill_primary_dark="#171a21",
        background_fill_secondary_dark="#1d2129",
        block_label_background_fill_dark="#1d2129",
        checkbox_background_color_dark="#21252f",
        border_color_primary="#e2e5ee",
        border_color_primary_dark="#2a2f3a",
        input_background_fill="#eef0f6",
        input_background_fill_dark="#21252f",
        body_text_color="#1e2330",
        body_text_color_dark="#e6e8ee",
        color_accent="#4f46e5",
        slider_color_dark="#6366f1",
        checkbox_background_color_selected_dark="#6366f1",
        checkbox_border_color_selected_dark="#6366f1",
        input_placeholder_color="#5d6579",
        input_placeholder_color_dark="#98a0b3",
        body_text_color_subdued="#5d6579",
        body_text_color_subdued_dark="#98a0b3",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#21252f",
        button_secondary_border_color="#e2e5ee",
        button_secondary_border_color_dark="#2a2f3a",
        button_border_width="1px",
        button_primary_background_fill="#4f46e5",
        button_primary_background_fill_hover="#4338ca",
        button_primary_background_fill_dark="#5b54ea",
        button_primary_background_fill_hover_dark="#4f46e5",
    )
