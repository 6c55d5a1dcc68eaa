"""Lists of the files that prompts name, a page at a time; a click puts one into the prompt or out of it (page.js)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from sdui.core.catalog import PAGE_LENGTH, NetworkPage

from . import markup
from .checkpoints import tool
from .form import Updates
from .results import QUIET
from .services import Services

Kind = Literal["embedding", "hypernetwork", "lora"]
_TABS: dict[Kind, tuple[str, str]] = {
    "embedding": ("Textual Inversion", "textual_inversion"),
    "hypernetwork": ("Hypernetworks", "hypernetworks"),
    "lora": ("Lora", "lora"),
}
"""Label and part of the element ids, as A1111 has them."""
_STRENGTH = 1


def build(services: Services, tab: str) -> None:
    """One tab for each kind; it asks the server for nothing before it is opened."""
    for kind, (label, name) in _TABS.items():
        prefix = f"{tab}_{name}"
        with gr.Tab(label, elem_id=prefix) as opened:
            parts = _parts(prefix)
        NetworkList(services, kind, parts).bind(opened)


@dataclass(frozen=True)
class Parts:
    search: gr.Textbox
    refresh: gr.Button
    cards: gr.HTML
    back: gr.Button
    place: gr.HTML
    forth: gr.Button
    number: gr.State


def _parts(prefix: str) -> Parts:
    with gr.Row(elem_classes=["tools"]):
        search = gr.Textbox(
            placeholder="Search", show_label=False, container=False, max_lines=1, elem_id=f"{prefix}_extra_search"
        )
        refresh = tool("Look through the folder again", f"{prefix}_extra_refresh")
    cards = gr.HTML(elem_id=f"{prefix}_cards", elem_classes=["networks"])
    with gr.Row(elem_classes=["tools"]):
        back = gr.Button("Previous", size="sm", scale=0, min_width=90, interactive=False, elem_id=f"{prefix}_previous")
        place = gr.HTML(elem_id=f"{prefix}_place", elem_classes=["place"])
        forth = gr.Button("Next", size="sm", scale=0, min_width=90, interactive=False, elem_id=f"{prefix}_next")
    return Parts(search, refresh, cards, back, place, forth, gr.State(0))


class NetworkList:
    """The handlers of one list. Each is a public endpoint: none trusts what the page sends."""

    def __init__(self, services: Services, kind: Kind, parts: Parts) -> None:
        self._services = services
        self._kind: Kind = kind
        self._parts = parts

    def bind(self, opened: gr.Tab) -> None:
        parts = self._parts
        outputs = [parts.cards, parts.back, parts.place, parts.forth, parts.number]
        place = [parts.search, parts.number]
        opened.select(self.first, [parts.search], outputs, **QUIET)
        # The last answer is the one that counts, however fast someone types.
        parts.search.change(self.first, [parts.search], outputs, trigger_mode="always_last", **QUIET)
        parts.refresh.click(self.again, [parts.search], outputs, **QUIET)
        parts.back.click(self.previous, place, outputs, **QUIET)
        parts.forth.click(self.next, place, outputs, **QUIET)

    def first(self, search: Any) -> Updates:
        return self._page(search, 0)

    def again(self, search: Any) -> Updates:
        """The first page of everything makes the worker look through the folders."""
        self._services.jobs.networks(self._kind)
        return self._page(search, 0)

    def previous(self, search: Any, number: Any) -> Updates:
        return self._page(search, _whole(number) - 1)

    def next(self, search: Any, number: Any) -> Updates:
        return self._page(search, _whole(number) + 1)

    def _page(self, search: Any, number: int) -> Updates:
        words = str(search or "")[:200]
        page = self._services.jobs.networks(self._kind, words, number)
        parts, shown = self._parts, page.number * PAGE_LENGTH + len(page.entries)
        return {
            parts.cards: self._cards(page, words),
            parts.back: gr.update(interactive=page.number > 0),
            parts.place: f"{page.number * PAGE_LENGTH + 1} to {shown} of {page.found}" if page.found else "",
            parts.forth: gr.update(interactive=shown < page.found),
            parts.number: page.number,
        }

    def _cards(self, page: NetworkPage, search: str) -> str:
        if not page.found:
            folder = self._services.launch.model_folders()[self._kind][0]
            why = f"Nothing has {search!r} in its name." if search else f"Put files into {folder} and refresh."
            return markup.messages([why])
        filename = self._services.settings.current.lora_preferred_name == "Filename"
        return markup.networks(
            (entry.title, self._tag(entry.name if filename else entry.alias)) for entry in page.entries
        )

    def _tag(self, name: str) -> str:
        """What goes into the prompt."""
        tags: dict[Kind, str] = {"lora": f"<lora:{name}:{_STRENGTH}>", "hypernetwork": f"<hypernet:{name}:{_STRENGTH}>"}
        return tags.get(self._kind, name)


def _whole(number: Any) -> int:
    return number if isinstance(number, int) else 0
