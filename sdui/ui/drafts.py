"""What stands in a tab's form, kept in the browser while it is filled in, so that no reload loses it (drafts.js)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import gradio as gr

from sdui.core.groups import Kind


def bind(tab: Kind, fields: Mapping[str, Any], kept: gr.BrowserState) -> None:
    """drafts.js clicks the hidden button when someone has stopped to change things."""
    keep = gr.Button("Keep the form", visible="hidden", elem_id=f"{tab}_keep")
    names = json.dumps(list(fields))
    as_text = f"(...values) => JSON.stringify(Object.fromEntries({names}.map((name, n) => [name, values[n]])))"
    keep.click(fn=None, js=as_text, inputs=list(fields.values()), outputs=[kept])


def text(held: Mapping[str, Any]) -> str:
    """What `read` reads."""
    return json.dumps(held)


def read(text: Any) -> dict[str, Any]:
    """By name; empty for what is no draft."""
    try:
        held = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return cast("dict[str, Any]", held) if isinstance(held, dict) else {}
