"""What the tabs of the page are called."""

from __future__ import annotations

TABS = {
    "txt2img": "txt2img",
    "img2img": "img2img",
    "Extras": "extras",
    "PNG Info": "pnginfo",
    "Checkpoint Merger": "modelmerger",
    "History": "history",
    "Settings": "settings",
}
"""Ids by their labels, in A1111's order."""
