"""The tabs with cards of files: extra networks and checkpoints. networks.js fills them from `network_routes`."""

from __future__ import annotations

from html import escape

import gradio as gr

from sdui.core.networks import CardKind, Sort

_TABS: dict[CardKind, tuple[str, str]] = {
    "embedding": ("Textual Inversion", "textual_inversion"),
    "hypernetwork": ("Hypernetworks", "hypernetworks"),
    "checkpoint": ("Checkpoints", "checkpoints"),
    "lora": ("Lora", "lora"),
}
"""Label and part of the element ids, as A1111 has them."""
_SORTS: dict[Sort, str] = {
    "path": "Path",
    "name": "Name",
    "created": "Date Created",
    "modified": "Date Modified",
}
_FITS = "Only those that do not say they were made for another kind of checkpoint than the chosen one"


def build(tab: str) -> None:
    """One tab for each kind; it asks the server for nothing before it is opened."""
    for kind, (label, name) in _TABS.items():
        with gr.Tab(label, elem_id=f"{tab}_{name}"):
            gr.HTML(_cards(tab, kind), padding=False, elem_classes=["cards-box"])


def _cards(tab: str, kind: CardKind) -> str:
    label, name = _TABS[kind]
    prefix = f"{tab}_{name}"
    sorts = "".join(f'<option value="{value}">{shown}</option>' for value, shown in _SORTS.items())
    fits = _button(f"{prefix}_fits", "cards-fits", _FITS, "Fits", toggle=True) if kind == "lora" else ""
    return (
        f'<div class="cards" data-tab="{tab}" data-kind="{kind}" data-prefix="{prefix}"><div class="cards-bar">'
        f'<input type="search" id="{prefix}_extra_search" placeholder="Search" aria-label="Search {label}">'
        f'<select id="{prefix}_extra_sort" aria-label="Sort by">{sorts}</select>'
        f"{_button(f'{prefix}_extra_sort_dir', 'tool', 'Descending order', 'Descending order', toggle=True)}{fits}"
        f"{_button(f'{prefix}_extra_refresh', 'tool', 'Look through the folders again', 'Refresh')}"
        f'</div><div id="{prefix}_dirs" class="cards-folders" role="group" aria-label="Folders"></div>'
        f'<p class="cards-said" role="status"></p><div id="{prefix}_cards" class="cards-grid" '
        f'aria-label="{label}"></div></div>'
    )


def _button(elem_id: str, style: str, title: str, text: str, *, toggle: bool = False) -> str:
    pressed = ' aria-pressed="false"' if toggle else ""
    return (
        f'<button type="button" id="{elem_id}" class="{style}" title="{escape(title)}"{pressed}>{escape(text)}</button>'
    )
