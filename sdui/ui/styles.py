"""Styles on a tab: the drop-down under Generate, and the editor of the files that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.request import GenerationRequest
from sdui.prompt.styles import Style, StyleDatabase
from sdui.services import Services

from . import markup
from .checkpoints import tool
from .components import OpenDropdown, uploaded
from .form import Form, Updates
from .results import QUIET

_COPY = "(prompt, negative) => [prompt, negative]"
_SHOWN, _HIDDEN = gr.update(visible=True), gr.update(visible=False)


class Editor(NamedTuple):
    """The parts of the dialog."""

    box: gr.Column
    select: OpenDropdown
    prompt: gr.Textbox
    negative: gr.Textbox
    save: gr.Button
    delete: gr.Button
    close: gr.Button
    take_in: gr.UploadButton
    apply: gr.Button
    copy: gr.Button
    message: gr.HTML


class StyleBox:
    """The handlers of a tab's styles. Each is a public endpoint: none trusts what the page sends."""

    def __init__(self, services: Services, form: Form[GenerationRequest], tab: str, apply: gr.Button) -> None:
        """Made where the drop-down is to stand. apply: the button that puts the styles' words into the prompts."""
        self._services = services
        self._prompts = [form.components["prompt"], form.components["negative_prompt"]]
        self.apply = apply
        with gr.Row(elem_id=f"{tab}_styles_row", elem_classes=["tools", "styles-row"]):
            look: dict[str, Any] = {"show_label": False, "info": None, "min_width": 120}
            self.chosen = form.add(
                "styles", choices=self._names(), allow_custom_value=False, elem_classes=["foreign"], **look
            )
            self.edit = tool("Edit styles", f"{tab}_styles_edit_button")
        self.add = gr.Button("Choose a style", visible="hidden", elem_id=f"{tab}_add_style")
        self.message = gr.HTML(elem_id=f"{tab}_styles_message", elem_classes=["messages"])
        self.editor = _editor(tab)
        self._bind(tab)

    def _bind(self, tab: str) -> None:
        editor, chosen = self.editor, self.chosen
        chosen.focus(self.refresh, [chosen], [chosen, self.message], **QUIET)
        # For the counter of tokens, which knows nothing of Gradio.
        chosen.change(fn=None, js=_note(tab), inputs=[chosen])
        self.add.click(fn=None, js=_added(tab), inputs=[chosen], outputs=[chosen])
        outputs = [*self._prompts, chosen, self.message]
        for button in (self.apply, editor.apply):
            button.click(self.put_into_prompts, [chosen, *self._prompts], outputs, **QUIET)
        shown = [editor.prompt, editor.negative, editor.save, editor.delete, editor.message]
        self.edit.click(self.open, [chosen], [editor.box, editor.select, *shown], **QUIET)
        editor.close.click(fn=None, js="() => ({__type__: 'update', visible: false})", outputs=[editor.box])
        editor.select.input(self.show, [editor.select], shown, **QUIET)
        editor.copy.click(fn=None, js=_COPY, inputs=self._prompts, outputs=[editor.prompt, editor.negative])
        changed = [editor.select, chosen, *shown]
        editor.save.click(self.save, [editor.select, editor.prompt, editor.negative, chosen], changed, **QUIET)
        editor.delete.click(self.delete, [editor.select, chosen], changed, **QUIET)
        editor.take_in.upload(self.take_in, [editor.take_in, editor.select, chosen], changed, **QUIET)

    def refresh(self, chosen: Any) -> Updates:
        """The list as the files have it now; what is chosen may have changed since it was sent."""
        try:
            names = self._services.styles.read().names()
            return {self.chosen: gr.update(choices=list(dict.fromkeys([*names, *texts(chosen)]))), self.message: ""}
        except RequestError as error:
            return {self.message: markup.messages([], str(error))}

    def put_into_prompts(self, chosen: Any, prompt: Any, negative: Any) -> Updates:
        names, (box, negative_box) = texts(chosen), self._prompts
        try:
            styles = self._services.styles.read()
            return {
                box: styles.apply(_text(prompt), names),
                negative_box: styles.apply(_text(negative), names, negative=True),
                self.chosen: gr.update(value=[]),
                self.message: _missing(styles, names),
            }
        except RequestError as error:
            return {self.message: markup.messages([], str(error))}

    def open(self, chosen: Any) -> Updates:
        """With the last chosen style, if one is."""
        try:
            names = self._services.styles.read().names()
        except RequestError as error:
            return {self.editor.box: _SHOWN, self.editor.message: markup.messages([], str(error))}
        name = next((name for name in reversed(texts(chosen)) if name in names), "")
        select = gr.update(choices=names, value=name or None)
        return self.show(name) | {self.editor.box: _SHOWN, self.editor.select: select}

    def show(self, name: Any) -> Updates:
        """A new name can be saved; what is typed already stays."""
        editor, name = self.editor, _text(name).strip()
        try:
            style = self._services.styles.read().get(name)
        except RequestError as error:
            return {editor.message: markup.messages([], str(error))}
        texts = {editor.prompt: style.prompt, editor.negative: style.negative_prompt} if style else {}
        buttons = {editor.save: gr.update(visible=bool(name)), editor.delete: gr.update(visible=style is not None)}
        return texts | buttons | {editor.message: ""}

    def save(self, name: Any, prompt: Any, negative: Any, chosen: Any) -> Updates:
        style = Style(_text(name).strip(), _text(prompt), _text(negative))
        try:
            self._services.styles.merge([style])
            return self._changed(style.name, chosen, f"{style.name} is saved.") | {self.editor.delete: _SHOWN}
        except (RequestError, OSError) as error:
            return self._failed(error)

    def delete(self, name: Any, chosen: Any) -> Updates:
        """Its words stay in the boxes, so that Save undoes it."""
        name = _text(name).strip()
        try:
            there = self._services.styles.delete(name)
            words = f"{name} is deleted. Save brings it back." if there else f"There is no style {name!r}."
            kept = [one for one in texts(chosen) if one != name]
            return self._changed(name, kept, words) | {self.editor.delete: _HIDDEN}
        except (RequestError, OSError) as error:
            return self._failed(error)

    def take_in(self, path: Any, name: Any, chosen: Any) -> Updates:
        """A styles.csv of A1111's or another program's joins the styles that are here."""
        if not isinstance(path, str):
            return {}
        try:
            given = StyleDatabase.parse(uploaded(path, "Styles"), Path(path).name)
            new, replaced = self._services.styles.merge(given)
            same = len(given.names()) - len(new) - len(replaced)
            words = f"{Path(path).name}: {len(new)} new, {len(replaced)} replaced, {same} here already."
            return self._changed(_text(name).strip(), chosen, words)
        except (RequestError, OSError) as error:
            return self._failed(error)

    def _changed(self, name: str, chosen: Any, words: str) -> Updates:
        """After the files have changed; the editor stays at the style of this name."""
        styles, editor = self._services.styles.read(), self.editor
        names = styles.names()
        select = gr.update(choices=list(dict.fromkeys([*names, *([name] if name else [])])), value=name or None)
        return {
            editor.select: select,
            self.chosen: _list(styles, texts(chosen)),
            editor.message: markup.messages([words]),
        }

    def _failed(self, error: RequestError | OSError) -> Updates:
        said = f"{error.filename} cannot be written: {error.strerror}." if isinstance(error, OSError) else str(error)
        return {self.editor.message: markup.messages([], said)}

    def _names(self) -> list[str]:
        """For the page as it is built; what is wrong with a file is said when the list is opened."""
        try:
            return self._services.styles.read().names()
        except RequestError:
            return []


def _editor(tab: str) -> Editor:
    with gr.Column(visible=False, elem_id=f"{tab}_styles_dialog", elem_classes=["styles-dialog"]) as box:
        with gr.Row(elem_classes=["tools", "styles-row"]):
            select = OpenDropdown(
                [],
                value=None,
                label="Styles",
                info="Choose a style to change it, or type a new name.",
                allow_custom_value=True,
                elem_id=f"{tab}_styles_edit_select",
                elem_classes=["foreign"],
                min_width=120,
            )
            apply = tool("Put the chosen styles into the prompts", f"{tab}_style_apply_dialog")
            copy = tool("Copy the prompts into this style", f"{tab}_style_copy")
        prompt = gr.Textbox(
            label="Prompt",
            info="{prompt} is where your own goes; without it, yours comes first.",
            lines=3,
            max_lines=10,
            elem_id=f"{tab}_edit_style_prompt",
            elem_classes=["prompt"],
        )
        negative = gr.Textbox(
            label="Negative prompt",
            lines=3,
            max_lines=10,
            elem_id=f"{tab}_edit_style_neg_prompt",
            elem_classes=["prompt"],
        )
        with gr.Row(elem_classes=["tools"]):
            look: dict[str, Any] = {"size": "sm", "scale": 0, "min_width": 80}
            save = gr.Button("Save", variant="primary", visible=False, elem_id=f"{tab}_edit_style_save", **look)
            delete = gr.Button("Delete", visible=False, elem_id=f"{tab}_edit_style_delete", **look)
            take_in = gr.UploadButton(
                "Import a styles.csv", file_types=[".csv"], elem_id=f"{tab}_edit_style_import", **look
            )
            close = gr.Button("Close", elem_id=f"{tab}_edit_style_close", **look)
        message = gr.HTML(elem_id=f"{tab}_edit_style_message", elem_classes=["messages"])
    return Editor(box, select, prompt, negative, save, delete, close, take_in, apply, copy, message)


def shown(services: Services, chosen: Sequence[str]) -> tuple[Any, list[str]]:
    """The update of the drop-down that shows these, and a sentence about each that is not here."""
    try:
        styles = services.styles.read()
    except RequestError as error:
        return gr.update(choices=list(chosen), value=list(chosen)), [str(error)]
    return _list(styles, chosen), _about(styles.unknown(chosen))


def inferred(services: Services, request: GenerationRequest, named: str) -> tuple[GenerationRequest, list[str]]:
    """A request from an infotext with the styles that its prompts contain chosen, as the preference says.

    Their words leave the prompts only where the styles give back exactly the prompts that were there, those of hires
    fix too. named: what the text itself says under "Styles", such as "one, two", whose words it has already.
    """
    how = services.settings.current.infotext_styles
    try:
        styles = services.styles.read()
    except RequestError as error:
        return request, [str(error)]
    names = (name.strip(" []'\"") for name in named.split(","))
    remarks = _about(styles.unknown(filter(None, names)), "its words stay in the prompts where the text has them")
    if how == "Ignore":
        return request, remarks
    names, changes = _taken_out(styles, request)
    if names or how == "Apply":
        chosen: Updates = {} if how == "Discard" else {"styles": names}
        request = request.model_copy(update=changes | chosen)
    return request, remarks


def texts(value: Any) -> list[str]:
    """Names of styles, whatever the page has sent."""
    values = cast("list[Any]", value) if isinstance(value, list) else []
    return [one for one in values if isinstance(one, str)]


def _taken_out(styles: StyleDatabase, request: GenerationRequest) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The styles in a request's prompts, and what is left of these."""
    names, prompt, negative = styles.extract(request.prompt, request.negative_prompt)
    changes: dict[str, Any] = {"prompt": prompt, "negative_prompt": negative}
    again = styles.apply(prompt, names), styles.apply(negative, names, negative=True)
    if not names or again != (request.prompt, request.negative_prompt):
        return (), {}
    hires = request.hires
    if hires and (hires.prompt or hires.negative_prompt):
        names_too, prompt, negative = styles.extract(hires.prompt, hires.negative_prompt)
        again = styles.apply(prompt, names), styles.apply(negative, names, negative=True)
        empty = bool(prompt) != bool(hires.prompt)  # which would mean the first pass' prompt
        if empty or names_too != names or again != (hires.prompt, hires.negative_prompt):
            return (), {}
        changes["hires"] = hires.model_copy(update={"prompt": prompt, "negative_prompt": negative})
    return names, changes


def _list(styles: StyleDatabase, chosen: Sequence[str]) -> Any:
    """What is chosen stays, even if it is not here: a drop-down holds only what it offers."""
    return gr.update(choices=list(dict.fromkeys([*styles.names(), *chosen])), value=list(chosen))


def _missing(styles: StyleDatabase, names: list[str]) -> str:
    return markup.messages(_about(styles.unknown(names)))


def _about(unknown: list[str], so: str = "the prompts stay without it") -> list[str]:
    return [f"Styles: there is no {name!r} here; {so}." for name in unknown]


def _note(tab: str) -> str:
    return f"(styles) => {{ document.getElementById('{tab}_styles').dataset.chosen = JSON.stringify(styles ?? []); }}"


def _added(tab: str) -> str:
    """What completion.js has found, beside what is chosen."""
    style = f"document.getElementById('{tab}_add_style').dataset.style"
    return f"(styles) => [[...new Set([...(styles ?? []), {style}])]]"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
