"""The Settings tab's page "Profiles": what the controls and the settings are now, under a name, and back again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, cast

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.params import declared
from sdui.core.profiles import Profile, Profiles
from sdui.core.settings_history import differences
from sdui.services import Services

from . import markup
from .controls import Controls
from .form import Updates
from .results import QUIET
from .setting_rows import SettingRows, compared, said

_HEAD = (
    "A profile keeps what the controls of txt2img, img2img and Extras hold, prompts and checkpoint included, and all "
    "settings. Pictures are not kept."
)
_NONE = "There is no profile yet."
_PRESS = "settings_profiles_"


def build(services: Services, rows: SettingRows, controls: Controls, page: str) -> None:
    gr.HTML(markup.messages([_HEAD]), elem_classes=["messages"])
    with gr.Row(elem_classes=["tools", "named"]):
        name = gr.Textbox(label="Name", elem_id="profile_name", max_lines=1, scale=1, min_width=160)
        save = gr.Button("Save as profile", variant="primary", elem_id="profile_save", scale=0, min_width=160)
    message = gr.HTML(elem_id="profile_message", elem_classes=["messages"])
    listed = gr.HTML(elem_id="profile_list", elem_classes=["tool-list"])
    tab = ProfilesPage(services, rows, controls, message, listed)
    named: dict[str, Any] = controls.inputs() | {"name": name}
    opened = gr.Button("Open", visible="hidden", elem_id=f"{page}_open")
    opened.click(tab.show, inputs_kwargs=named, outputs=[listed], **QUIET)
    save.click(tab.save, inputs_kwargs=named, outputs=[message, listed], **QUIET)
    said_by_page = gr.Textbox(visible="hidden", elem_id=f"{_PRESS}pressed")
    pressed: dict[str, Any] = controls.inputs() | {"pressed": said_by_page}
    for action in (tab.replace, tab.rename, tab.remove):
        _button(action.__name__).click(
            action, inputs_kwargs=pressed, outputs=[message, listed], js=_pressed(action.__name__), **QUIET
        )
    outputs = [message, listed, *controls.outputs(), *rows.outputs()]
    used = _button("use").click(tab.use, inputs_kwargs=pressed, outputs=outputs, js=_pressed("use"), **QUIET)
    # The list says what differs from what the page shows, which it shows only after the answer.
    used.then(**rows.marking()).then(tab.show, inputs_kwargs=named, outputs=[listed], **QUIET)


def _button(action: str) -> gr.Button:
    return gr.Button(action, visible="hidden", elem_id=_PRESS + action)


def _pressed(action: str) -> str:
    """Hands over the last input, what was pressed, as the page has it."""
    pressed = f"document.getElementById('{_PRESS}{action}').dataset"
    return (
        f"(...values) => {{ const {{value, answer}} = {pressed}; "
        "return [...values.slice(0, -1), JSON.stringify([value, answer])]; }"
    )


class ProfilesPage:
    """Its handlers are public endpoints: none trusts what the page sends."""

    def __init__(
        self, services: Services, rows: SettingRows, controls: Controls, message: gr.HTML, listed: gr.HTML
    ) -> None:
        self._settings = services.settings
        self._profiles = Profiles(services.launch.folder("profiles"))
        self._rows = rows
        self._controls = controls
        self._message = message
        self._listed = listed

    def show(self, **values: Any) -> Updates:
        now = self._controls.held(values)
        entries = [self._entry(name, now) for name in self._profiles.names()]
        return {self._listed: "".join(entries) or markup.messages([_NONE])}

    def save(self, name: Any, **values: Any) -> Updates:
        wanted = str(name or "").strip()

        def done() -> str:
            self._profiles.save(self._now(wanted, values), replace=False)
            return f"Saved as {wanted}."

        return self._tried(done, values)

    def replace(self, pressed: Any, **values: Any) -> Updates:
        name, _ = _read(pressed)

        def done() -> str:
            self._profiles.read(name)
            self._profiles.save(self._now(name, values), replace=True)
            return f"{name} is now what the page shows."

        return self._tried(done, values)

    def rename(self, pressed: Any, **values: Any) -> Updates:
        name, to = _read(pressed)

        def done() -> str:
            self._profiles.rename(name, to)
            return f"{name} is called {to} now."

        return self._tried(done, values)

    def remove(self, pressed: Any, **values: Any) -> Updates:
        name, _ = _read(pressed)

        def done() -> str:
            self._profiles.remove(name)
            return f"Deleted {name}."

        return self._tried(done, values)

    def use(self, pressed: Any, **values: Any) -> Updates:
        name, _ = _read(pressed)
        try:
            profile = self._profiles.read(name)
        except RequestError as error:
            return {self._message: markup.messages([], str(error))}
        updates, unknown = self._controls.hold(profile.controls)
        preferences, wrong = self._settings.lenient(profile.preferences)
        given = {path: getattr(preferences, path) for path in self._shown() if path in profile.preferences}
        unknown += [f"Settings: {path} is not valid in this profile and stays as it was." for path in wrong]
        kept = {path: value for path, value in given.items() if path not in wrong}
        words = [f"The controls and the settings are now those of {name}.", *unknown]
        return updates | self._rows.change(kept) | {self._message: markup.messages(words)}

    def _tried(self, action: Callable[[], str], values: Mapping[str, Any]) -> Updates:
        try:
            words = markup.messages([action()])
        except RequestError as error:
            words = markup.messages([], str(error))
        return self.show(**values) | {self._message: words}

    def _now(self, name: str, values: Mapping[str, Any]) -> Profile:
        stored = self._settings.current.model_dump(mode="json")
        return Profile(name, self._controls.held(values), {path: stored[path] for path in self._shown()})

    def _entry(self, name: str, now: Mapping[str, Any]) -> str:
        try:
            changed = self._differences(self._profiles.read(name), now)
        except RequestError as error:
            return _section(name, _remove(name), markup.messages([], str(error)))
        replaces = f"Replace {name} by what the page shows now?"
        buttons = (
            markup.press(f"{_PRESS}use", name, "Apply"),
            markup.press(f"{_PRESS}replace", name, "Replace", asks=replaces),
            markup.press(f"{_PRESS}rename", name, "Rename", asks="New name:", answer=name),
            _remove(name),
        )
        if changed:
            count = f"{len(changed)} difference{'s' * (len(changed) > 1)} to now"
            table = markup.differences(changed, "Now", name)
            body = f"<details><summary>{count}</summary>{table}</details>"
        else:
            body = '<p class="quiet">No difference to now</p>'
        return _section(name, "".join(buttons), body)

    def _shown(self) -> list[str]:
        return [d.path for d in declared(self._settings.model) if d.param.section]

    def _differences(self, profile: Profile, now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        controls = [
            (self._controls.label(path), said(now[path]), said(value))
            for path, value in profile.controls.items()
            if path in now and now[path] != value
        ]
        current = self._settings.current
        then, _ = self._settings.lenient(current.model_dump(mode="json") | dict(profile.preferences))
        return controls + compared(differences(current, then))


def _section(name: str, buttons: str, body: str) -> str:
    return f"<section><header><b>{escape(name)}</b>{buttons}</header>{body}</section>"


def _remove(name: str) -> str:
    return markup.press(f"{_PRESS}remove", name, "Delete", asks=f"Delete the profile {name}?")


def _read(pressed: Any) -> tuple[str, str]:
    """The value of a button, and what was answered to it."""
    try:
        given: Any = json.loads(str(pressed))
    except ValueError:
        return "", ""
    both = [str(one) for one in cast("list[Any]", given)] if isinstance(given, list) else []
    name, answer = [*both, "", ""][:2]
    return name, answer.strip()
