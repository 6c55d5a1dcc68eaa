"""The page: quick settings, tabs, footer, and how it is mounted in the server."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from gradio.themes import Base
from gradio.themes.utils import colors

from . import (
    extras,
    hashing,
    history_routes,
    history_tab,
    img2img,
    markup,
    network_routes,
    png_info,
    queue_panel,
    results,
    sending,
    settings,
    txt2img,
)
from .form import Updates
from .quick_settings import QuickBar
from .results import QUIET, is_local
from .services import Services

ASSETS = Path(__file__).parent / "assets"
_STYLES = ("style", "icons", "results", "viewer", "queue_panel", "virtual_grid", "history", "networks")
TITLE = "sdui"

_KEEP_OUT = "<script>document.documentElement.inert = true;</script>"
"""Until the page knows the form of an earlier visit: its answer would take away what was typed before it."""
_LET_IN = "() => { document.documentElement.inert = false; }"


def build(services: Services) -> gr.Blocks:
    """Every component and its events. Waits for the first worker's catalog."""
    catalog = services.jobs.catalog()
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        bar = QuickBar(services, catalog)
        quick = bar.checkpoint
        memories = {tab: results.remembered(tab) for tab in ("txt2img", "img2img", "extras")}
        if services.problems:
            gr.HTML(markup.messages(list(services.problems)), elem_id="extension_problems", elem_classes=["messages"])
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("txt2img", id="txt2img", elem_id="tab_txt2img"):
                first = txt2img.build(services, catalog, quick, memories["txt2img"])
            with gr.Tab("img2img", id="img2img", elem_id="tab_img2img"):
                second = img2img.build(services, catalog, quick, memories["img2img"])
            with gr.Tab("Extras", id="extras", elem_id="tab_extras"):
                third = extras.build(services, catalog, memories["extras"])
            with gr.Tab("PNG Info", id="pnginfo", elem_id="tab_pnginfo"):
                png_info_image = png_info.build(first, tabs)
            if services.history:
                with gr.Tab("History", id="history", elem_id="tab_history") as opened:
                    to = history_tab.receivers(first, second, third, png_info_image)
                    history_tab.build(services.history, opened, tabs, to)
            with gr.Tab("Settings", id="settings", elem_id="tab_settings"):
                preferences = settings.build(services, bar.names)
        bar.bind()
        sending.build(services, tabs, first, second, third)
        queue_panel.build(services, tabs, [first, second], third)
        hashing.build(services, quick).bind(page)
        gr.HTML(markup.versions(services.versions), elem_id="footer")

        def attach(job: str, draft: str, other_job: str, other_draft: str, request: gr.Request) -> Updates:
            local = gr.update(visible=is_local(request))
            folders: Updates = {first.parts.tools["folder"]: local, second.parts.tools["folder"]: local}
            return (
                first.attach(job, draft)
                | second.attach(other_job, other_draft)
                | preferences.show()
                | bar.show()
                | folders
            )

        held = [component for tab in (first, second) for component in (tab.parts.job_id, tab.parts.draft)]
        outputs = list(dict.fromkeys(first.outputs() + second.outputs() + preferences.outputs() + bar.outputs()))
        attached = page.load(attach, held, outputs, **QUIET)
        first.parts.keep_looking(attached)
        second.look_after(attached, first.bind_choice())
        third.bind(page)
        attached.success(fn=None, js=_LET_IN)
        attached.failure(fn=None, js=_LET_IN)
    # Gradio's `launch` sets this; without it a browser may name any file of the server as its upload.
    page.has_launched = True
    return page


def mount(app: FastAPI, services: Services) -> FastAPI:
    """The page at "/" of `app`. It serves no folder, only each single picture that it shows (`components.serve`)."""
    if services.history:
        app.include_router(history_routes.routes(services.history))
    app.include_router(queue_panel.routes(services))
    app.mount("/ui", StaticFiles(directory=ASSETS), name="ui")
    app.include_router(network_routes.router(services))
    version = services.versions.get("version", "")
    styles = "".join(f'<link rel="stylesheet" href="/ui/{name}.css?v={version}">' for name in _STYLES)
    return gr.mount_gradio_app(
        app,
        build(services),
        path="/",
        theme=_theme(),
        head=(
            f"{_KEEP_OUT}{styles}"
            f'<link rel="icon" type="image/svg+xml" href="/ui/favicon.svg">'
            f'<script type="module" src="/ui/page.js?v={version}"></script>'
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
