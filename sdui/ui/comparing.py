"""Two pictures over each other, and what differs in how they were made."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from difflib import SequenceMatcher
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from sdui.core import infotext

_WORD = re.compile(r"\s+|[\w.-]+|.")
_FILES = "gradio_api/file="


class Side(NamedTuple):
    path: str
    """Of a file that the page may already show."""
    infotext: str


class Difference(NamedTuple):
    name: str
    before: str
    after: str


def differences(before: str, after: str) -> list[Difference]:
    """What two infotexts do not say alike, prompts first; "" where one of them says nothing."""
    one, other = (_said(text) for text in (before, after))
    names = dict.fromkeys((*one, *other))
    pairs = ((name, one.get(name, ""), other.get(name, "")) for name in names)
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def marked(before: str, after: str) -> tuple[str, str]:
    """Both texts as HTML: <del> around words that only the first has, <ins> around those of the second."""
    one, other = _WORD.findall(before), _WORD.findall(after)
    lost, new = list[str](), list[str]()
    for kind, begin, end, start, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        left, right = escape("".join(one[begin:end])), escape("".join(other[start:stop]))
        same = kind == "equal"
        lost.append(left if same or not left else f"<del>{left}</del>")
        new.append(right if same or not right else f"<ins>{right}</ins>")
    return _lines("".join(lost)), _lines("".join(new))


def dialog(before: Side, after: Side) -> str:
    """What compare.js opens; a fresh mark for each time, because the page shows no text twice."""
    return (
        f'<dialog class="comparison" data-asked="{uuid.uuid4().hex}" aria-label="Two pictures compared">'
        f'<form method="dialog"><b>A</b> at the left, <b>B</b> at the right'
        f'<button class="close" aria-label="Close">✕</button></form>'
        f'<div class="sides"><img alt="Picture B" src="{_url(after.path)}">'
        f'<img class="over" alt="Picture A" src="{_url(before.path)}">'
        '<input type="range" min="0" max="100" step="1" value="50" aria-label="How much of picture A is shown"></div>'
        f"{_table(differences(before.infotext, after.infotext))}</dialog>"
    )


def _table(found: list[Difference]) -> str:
    if not found:
        return '<p class="quiet">Both pictures were made with the same parameters.</p>'
    rows = "".join(_row(one) for one in found)
    return (
        '<table><thead><tr><th scope="col">Parameter</th><th scope="col">A</th><th scope="col">B</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(found: Difference) -> str:
    before, after = marked(found.before, found.after)
    return f'<tr><th scope="row">{escape(found.name)}</th><td>{before}</td><td>{after}</td></tr>'


def _said(text: str) -> dict[str, str]:
    parsed = infotext.parse(text)
    return dict(_prompts(parsed)) | parsed.pairs


def _prompts(parsed: infotext.Parsed) -> Iterator[tuple[str, str]]:
    yield "Prompt", parsed.prompt
    yield "Negative prompt", parsed.negative_prompt


def _url(path: str) -> str:
    return escape(_FILES + quote(path, safe="/:"))


def _lines(text: str) -> str:
    return text.replace("\n", "<br>")
