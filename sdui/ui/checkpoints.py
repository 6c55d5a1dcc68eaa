"""The quick settings row: which checkpoint draws, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from sdui.core.catalog import Catalog, Checkpoint, is_hash
from sdui.services import Services

from . import markup
from .components import OpenDropdown
from .form import Updates

PICK = "pick_checkpoint"


def differs(found: Checkpoint, digest: str) -> bool:
    """Whether a checkpoint of the right name is known to have other contents than the one with this hash."""
    known = any(len(digits) >= len(digest) > 0 for digits in found.hashes)
    return known and not is_hash(digest, found.hashes)


@dataclass(frozen=True)
class QuickSettings:
    services: Services
    dropdown: Any
    refresh: Any
    banner: Any
    pick: Any
    """Clicked by the card of a checkpoint, whose title is then in its `data-title` (networks.js)."""

    def shows(self, catalog: Catalog, chosen: Checkpoint | None) -> Updates:
        """Updates for the row after the folder was read."""
        return {
            self.dropdown: gr.update(
                choices=list(catalog.names("checkpoints")), value=chosen.title if chosen else None
            ),
            self.banner: _warning(self.services, catalog, chosen),
        }


def build(services: Services, catalog: Catalog, beside: Callable[[], None] = lambda: None) -> QuickSettings:
    """beside: makes what else stands in the row."""
    chosen = services.checkpoint(catalog)
    with gr.Row(elem_id="quicksettings"):
        dropdown = OpenDropdown(
            list(catalog.names("checkpoints")),
            value=chosen.title if chosen else None,
            label="Stable Diffusion checkpoint",
            elem_id="setting_sd_model_checkpoint",
            scale=0,
            min_width=320,
        )
        refresh = tool("Refresh the list of checkpoints", "refresh_sd_model_checkpoint")
        pick = gr.Button("Choose the checkpoint", visible="hidden", elem_id=PICK)
        beside()
        tool("Light or dark", "theme_toggle")
    banner = gr.HTML(_warning(services, catalog, chosen), elem_id="banner", elem_classes=["messages"])
    return QuickSettings(services, dropdown, refresh, banner, pick)


def tool(name: str, elem_id: str, **look: Any) -> gr.Button:
    """A small button that shows an icon (style.css) and is read out as `name`."""
    return gr.Button(name, elem_id=elem_id, elem_classes=["tool"], size="sm", scale=0, min_width=36, **look)


def examples(chosen: Checkpoint | None) -> Sequence[list[str]]:
    """Rows for the example prompts' gr.Dataset."""
    return [[prompt] for prompt in (chosen.examples if chosen else ())]


def _warning(services: Services, catalog: Catalog, chosen: Checkpoint | None) -> str:
    folders = services.launch.model_folders()["checkpoint"]
    notices = [services.settings.problem] if services.settings.problem else []
    error = ""
    if not catalog.checkpoints:
        error = f"There is no checkpoint yet. Put a .safetensors file in {folders[0]} and press the refresh button."
    elif chosen and chosen.problem:
        where = ", ".join(map(str, folders))
        error = (
            f"{chosen.title} cannot be used: {chosen.problem.rstrip('.')}. Choose another one or repair it in {where}."
        )
    return markup.messages(notices, error)
