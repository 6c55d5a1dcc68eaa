"""The page: quick settings, tabs and footer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog
from sdui.services import Services

from . import (
    extension_tabs,
    extras,
    hashing,
    img2img,
    markup,
    merger,
    png_info,
    queue_panel,
    results,
    sending,
    settings,
    txt2img,
)
from .form import Updates
from .history_tab import HistoryTab
from .quick_settings import QuickBar
from .results import QUIET, is_local
from .tab_names import tab_ids

TITLE = "sdui"
_NEEDED = ("Settings",)
"""Whoever hides all tabs must be able to show them again."""

_LET_IN = "() => { document.documentElement.inert = false; }"


def build(services: Services) -> gr.Blocks:
    """Every component and its events."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        _Page(services).bind(page)
    # Gradio's `launch` sets this; without it a browser may name any file of the server as its upload.
    page.has_launched = True
    return page


class _Page:
    """The parts of the page; made in the order of the settings, then told of each other."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalog = services.jobs.catalog()
        self._memories = {tab: results.remembered(tab) for tab in ("txt2img", "img2img", "extras")}
        self._bar = QuickBar(services, self._catalog)
        if problems := [*services.problems, *filter(None, [services.defaults.problem])]:
            gr.HTML(markup.messages(problems), elem_id="extension_problems", elem_classes=["messages"])
        self._tabs, made = self._make_tabs()
        self._txt2img: txt2img.Txt2img = made["txt2img"]
        self._img2img: img2img.Img2img = made["img2img"]
        self._extras: extras.Extras = made["extras"]
        self._png_info: png_info.PngInfo = made["pnginfo"]
        self._merger: merger.Merger = made["modelmerger"]
        self._history: HistoryTab | None = made.get("history")
        self._settings: settings.Settings = made["settings"]

    def _make_tabs(self) -> tuple[gr.Tabs, dict[str, Any]]:
        """What each tab has made, by its id."""
        services, catalog, quick, memories = self._services, self._catalog, self._bar.checkpoint, self._memories
        history = services.history
        makers: dict[str, Callable[[gr.Tab], Any]] = {
            "txt2img": lambda tab: txt2img.build(services, catalog, quick, memories["txt2img"]),
            "img2img": lambda tab: img2img.build(services, catalog, quick, memories["img2img"]),
            "extras": lambda tab: extras.build(services, catalog, memories["extras"]),
            "pnginfo": lambda tab: png_info.build(services),
            "modelmerger": lambda tab: merger.build(services, catalog, quick),
            "settings": lambda tab: settings.build(services, catalog, self._bar, tab),
        }
        makers |= {tab.id: extension_tabs.maker(tab, services) for tab in services.tabs}
        if history:
            makers["history"] = lambda tab: HistoryTab(history, tab)
        preferences, ids = services.settings.current, tab_ids(services)
        made: dict[str, Any] = {}
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            for label in dict.fromkeys((*preferences.ui_tab_order, *ids)):
                id = ids.get(label, "")
                if id in makers:
                    shown = label not in preferences.hidden_tabs or label in _NEEDED
                    with gr.Tab(label, id=id, elem_id=f"tab_{id}", visible=shown) as tab:
                        made[id] = makers[id](tab)
        return tabs, made

    def bind(self, page: gr.Blocks) -> None:
        services, first, second, third = self._services, self._txt2img, self._img2img, self._extras
        to = sending.receivers(first, second, third, self._png_info.image)
        self._png_info.bind(self._tabs, to)
        if self._history:
            self._history.bind(self._tabs, to)
        sending.build(services, self._tabs, to, first, second, third)
        self._settings.bind({"txt2img": first.form, "img2img": second.form, "extras": third.form})
        self._bar.bind()
        queue_panel.build(services, self._tabs, [first, second], third)
        hashing.build(services, self._bar.checkpoint).bind(page)
        gr.HTML(markup.versions(services.versions), elem_id="footer")
        self._bind_opening(page)
        third.bind(page)
        page.load(self._merger.attach, None, self._merger.outputs(), **QUIET)

    def _bind_opening(self, page: gr.Blocks) -> None:
        first, second = self._txt2img, self._img2img
        held = [component for tab in (first, second) for component in (tab.parts.job_id, tab.parts.draft)]
        outputs = [*first.outputs(), *second.outputs(), *self._settings.rows.outputs(), *self._bar.outputs()]
        attached = page.load(self._attach, held, list(dict.fromkeys(outputs)), **QUIET)
        first.parts.keep_looking(attached)
        second.look_after(attached, first.bind_choice())
        attached.success(fn=None, js=_LET_IN)
        attached.failure(fn=None, js=_LET_IN)
        lists = list(self._listed(self._catalog))
        attached.then(self._catch_up, None, lists, **QUIET)
        again = gr.Button("Read the lists again", visible="hidden", elem_id="page_catch_up")
        again.click(lambda: self._listed(self._services.jobs.fresh_catalog()), None, lists, **QUIET)

    def _catch_up(self) -> Updates:
        """Files may have come or gone since the page was built, which is done with the catalog of the last start."""
        catalog = self._services.jobs.fresh_catalog()
        if replace(catalog, hashing=None) == replace(self._catalog, hashing=None):
            return {self._bar.checkpoint.banner: gr.skip()}
        return self._listed(catalog)

    def _listed(self, catalog: Catalog) -> Updates:
        """Everything that can be chosen among files and names."""
        updates: Updates = {}
        for tab in (self._txt2img, self._img2img, self._extras, self._merger, self._settings.rows, self._bar):
            updates |= tab.form.relist(catalog)
        chosen = self._services.checkpoint(catalog)
        return updates | self._bar.checkpoint.shows(catalog, chosen)

    def _attach(self, job: str, draft: str, other_job: str, other_draft: str, request: gr.Request) -> Updates:
        first, second, local = self._txt2img, self._img2img, gr.update(visible=is_local(request))
        folders: Updates = {tab.parts.tools["folder"]: local for tab in (first, second)}
        shown = first.attach(job, draft) | second.attach(other_job, other_draft)
        return shown | self._settings.rows.attach() | self._bar.show() | folders
