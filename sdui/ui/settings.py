"""The Settings tab: a list of pages at the left, one for each section of the preferences and some for tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import gradio as gr
from fastapi import APIRouter

from sdui.core.catalog import Catalog
from sdui.services import Services

from . import actions, defaults, licenses, localization_template, profiles, setting_history, sysinfo
from .controls import Controls
from .form import Form
from .quick_settings import QuickBar
from .setting_rows import SettingRows, page_id

_HISTORY, _PROFILES, _DEFAULTS = "settings_tab_history", "settings_tab_profiles", "settings_tab_defaults"
_SYSINFO, _ACTIONS, _LICENSES = "settings_tab_sysinfo", "settings_tab_actions", "settings_tab_licenses"
_TOOLS = {
    _HISTORY: "History of settings",
    _PROFILES: "Profiles",
    _DEFAULTS: "Defaults",
    _SYSINFO: "Sysinfo",
    _ACTIONS: "Actions",
    _LICENSES: "Licenses",
}
_RELOAD = """async () => {
  const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
  await fetch("page/rebuild", asked);
  window.location.reload();
  return [];
}"""


class Settings:
    """The tab; the pages that need the other tabs' controls get their content with `bind`."""

    def __init__(self, services: Services, rows: SettingRows, places: Mapping[str, gr.Column]) -> None:
        """places: of tool pages, by their ids."""
        self._services = services
        self.rows = rows
        self._places = places

    def bind(self, forms: Mapping[str, Form[Any]]) -> None:
        """forms: those whose controls have defaults and go into profiles, by the tabs' names in ui-config.json."""
        controls = Controls(forms)
        with self._places[_PROFILES]:
            profiles.build(self._services, self.rows, controls, _PROFILES)
        with self._places[_DEFAULTS]:
            defaults.build(self._services, controls)


def build(services: Services, catalog: Catalog, bar: QuickBar, opened: gr.Tab) -> Settings:
    """bar: has the controls of some of the settings."""
    submit = _bar()
    rows = SettingRows(services, catalog, bar)
    makers: dict[str, Callable[[str], None]] = {
        _HISTORY: lambda page: setting_history.build(services, rows, page),
        _SYSINFO: lambda page: sysinfo.build(services, page),
        _ACTIONS: lambda page: actions.build(services),
        _LICENSES: licenses.build,
    }
    places: dict[str, gr.Column] = {}
    with gr.Row(elem_id="settings"):
        pages = gr.HTML(elem_id="settings_list")
        with gr.Column(elem_id="settings_pages"):
            for section, fields in rows.sections():
                with gr.Column(elem_id=page_id(section), elem_classes=["settings-page"]):
                    gr.HTML(f"<h3>{escape(section)}</h3>")
                    with gr.Column(elem_id=f"column_{page_id(section)}"):
                        rows.build(fields)
            rows.bind(submit, opened)  # the tools add events that follow it
            for page, title in _TOOLS.items():
                with gr.Column(elem_id=page, elem_classes=["settings-page", "settings-tool"]) as places[page]:
                    gr.HTML(f"<h3>{escape(title)}</h3>")
                    if page in makers:
                        makers[page](page)
    pages.value = _list({page_id(section): section for section, _ in rows.sections()}, rows.described())
    return Settings(services, rows, places)


def _bar() -> gr.Button:
    """Apply settings."""
    with gr.Row(elem_id="settings_bar"):
        submit = gr.Button("Apply settings", variant="primary", elem_id="settings_submit", scale=0, min_width=180)
        restart = gr.Button("Reload UI", elem_id="settings_restart_gradio", scale=0, min_width=120)
        gr.Textbox(
            placeholder="Search...",
            show_label=False,
            label="Search settings",
            container=False,
            max_lines=1,
            elem_id="settings_search",
            min_width=180,
        )
        gr.Button("Show all pages", elem_id="settings_show_all_pages", scale=0, min_width=160)
        gr.Button("Show only one page", elem_id="settings_show_one_page", scale=0, min_width=160)
    restart.click(fn=None, js=_RELOAD)
    return submit


def routes(services: Services, page: gr.Blocks) -> list[APIRouter]:
    return [licenses.routes(), localization_template.routes(services, page)]


def _list(titles: dict[str, str], described: str) -> str:
    """The buttons that open a page (settings.js), and what there is to know of the rows."""
    shown = next(iter(titles))

    def button(page: str, title: str) -> str:
        current = ' aria-current="page"' if page == shown else ""
        return f'<button type="button" id="{page}-button" data-page="{page}"{current}>{escape(title)}</button>'

    first = "".join(button(page, title) for page, title in titles.items())
    others = "".join(button(page, title) for page, title in _TOOLS.items())
    return f'<nav aria-label="Pages of settings" data-rows="{escape(described)}">{first}<hr>{others}</nav>'
