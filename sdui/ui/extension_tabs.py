"""Tabs of extensions. One that cannot be built says so in its place, and the rest of the page is there."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gradio as gr

from sdui.extensions.contracts import Tab
from sdui.services import Services

from . import markup

log = logging.getLogger(__name__)


def maker(tab: Tab, services: Services) -> Callable[[gr.Tab], None]:
    """Called inside of the tab."""

    def make(opened: gr.Tab) -> None:
        try:
            tab.build(services)
        except Exception as error:  # the boundary: what an extension does wrong is told in its own tab
            log.exception("The tab %s failed", tab.title)
            why = f"This tab of an extension cannot be shown: {type(error).__name__}: {error}"
            gr.HTML(markup.messages([], why), elem_classes=["messages"])

    return make
