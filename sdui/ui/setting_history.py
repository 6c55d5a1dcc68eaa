"""The Settings tab's page "History of settings": what was changed when, and the way back."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.settings_history import differences
from sdui.services import Services

from . import markup
from .form import Updates
from .results import QUIET
from .setting_rows import SettingRows, compared

_BACK = "settings_history_back"
_NOTHING = "No setting was changed yet. Each change will stand here, and you can go back to what was before it."


def build(services: Services, rows: SettingRows, page: str) -> None:
    changes = gr.HTML(elem_id="settings_history_list", elem_classes=["tool-list"])
    tab = HistoryPage(services, rows, changes)
    opened = gr.Button("Open", visible="hidden", elem_id=f"{page}_open")
    opened.click(tab.show, None, [changes], **QUIET)
    back = gr.Button("Go back", visible="hidden", elem_id=_BACK)
    pressed = f"() => document.getElementById('{_BACK}').dataset.value"
    went = back.click(tab.go_back, [gr.Textbox(visible="hidden")], [changes, *rows.outputs()], js=pressed, **QUIET)
    went.then(**rows.marking())


class HistoryPage:
    """Its handlers are public endpoints: none trusts what the page sends."""

    def __init__(self, services: Services, rows: SettingRows, changes: gr.HTML) -> None:
        self._settings = services.settings
        self._rows = rows
        self._changes = changes

    def show(self) -> Updates:
        after = self._settings.current
        entries: list[str] = []
        for version in self._settings.history.versions():
            before, _ = self._settings.lenient(version.content)
            time = version.time.astimezone().strftime("%d %b %Y, %H:%M:%S")
            changed = compared(differences(before, after))
            if changed:
                back = markup.press(_BACK, version.name, "Go back to before this")
                table = markup.differences(changed, "Before", "After")
                entries.append(f"<section><header><b>{time}</b>{back}</header>{table}</section>")
            after = before
        return {self._changes: "".join(entries) or markup.messages([_NOTHING])}

    def go_back(self, version: Any) -> Updates:
        before = self._settings.current
        try:
            after = self._settings.go_back(str(version))
        except RequestError as error:
            return self._rows.says(error=str(error)) | self.show()
        except OSError as error:
            return self._rows.says(error=f"{self._settings.path} cannot be written: {error.strerror or error}.")
        return self._rows.tells(before, after) | self.show()
