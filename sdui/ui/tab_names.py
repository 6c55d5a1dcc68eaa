"""What the tabs of the page are called."""

from __future__ import annotations

from sdui.services import Services

_OWN = {
    "txt2img": "txt2img",
    "img2img": "img2img",
    "Extras": "extras",
    "PNG Info": "pnginfo",
    "Checkpoint Merger": "modelmerger",
    "History": "history",
}
_LAST = {"Settings": "settings"}


def tab_ids(services: Services) -> dict[str, str]:
    """Ids by their labels, in A1111's order: tabs of extensions come before the settings."""
    return _OWN | {tab.title: tab.id for tab in services.tabs} | _LAST
