"""The Settings tab's page "Licenses": what sdui is made of and brings along, and under which terms."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import gradio as gr
from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse

from .form import Updates
from .results import QUIET

_ROOT = Path(__file__).parents[2]
_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")


class Shipped(NamedTuple):
    """Something in this repository that has terms of its own."""

    name: str
    terms: str
    path: Path
    """The text."""


_SHIPPED = {
    "sdui": Shipped("sdui", "Apache-2.0", _ROOT / "LICENSE"),
    "clip": Shipped("CLIP's vocabulary", "MIT", _ROOT / "sdui/prompt/assets/clip/LICENSE"),
    "demo": Shipped(
        "The bundled checkpoint sdui-demo", "MIT and others", _ROOT / "models/Stable-diffusion/sdui-demo.md"
    ),
}


def build(page: str) -> None:
    shown = gr.HTML('<p class="quiet">Looking around...</p>', elem_id="licenses", elem_classes=["tool-list"])
    opened = gr.Button("Open", visible="hidden", elem_id=f"{page}_open")

    def show() -> Updates:
        return {shown: listed()}

    opened.click(show, None, [shown], **QUIET)


def routes() -> APIRouter:
    served = APIRouter()

    def shipped(name: str) -> PlainTextResponse:
        if name not in _SHIPPED or not _SHIPPED[name].path.is_file():
            raise HTTPException(404, "There is no such text here.")
        return PlainTextResponse(_SHIPPED[name].path.read_text(encoding="utf-8"))

    def package(name: str) -> PlainTextResponse:
        try:
            texts = list(_texts(distribution(name)))
        except (PackageNotFoundError, ValueError):
            texts = []
        if not texts:
            raise HTTPException(404, "There is no such text here.")
        return PlainTextResponse("\n\n".join(texts))

    served.get("/page/licenses/shipped/{name}")(shipped)
    served.get("/page/licenses/package/{name}")(package)
    return served


def listed() -> str:
    """The whole page."""
    own = [
        _row(one.name, one.terms, f"page/licenses/shipped/{name}" if one.path.is_file() else "")
        for name, one in _SHIPPED.items()
    ]
    found = {one.metadata["Name"]: one for one in distributions() if one.metadata["Name"]}
    packages = [
        _row(f"{name} {one.version}", _terms(one), f"page/licenses/package/{quote(name)}" if _files(one) else "")
        for name, one in sorted(found.items(), key=lambda pair: pair[0].casefold())
    ]
    return f"{_table('In this folder', own)}{_table('Installed packages', packages)}"


def _table(title: str, rows: Iterable[str]) -> str:
    return f'<h4>{title}</h4><table class="differences"><tbody>{"".join(rows)}</tbody></table>'


def _row(name: str, terms: str, link: str) -> str:
    text = f'<a href="{escape(link)}" target="_blank" rel="noopener">Text</a>' if link else ""
    return f'<tr><th scope="row">{escape(name)}</th><td>{escape(terms)}</td><td>{text}</td></tr>'


def _terms(one: Distribution) -> str:
    """The name of the licence in whichever of three places the package says it; some put the whole text there."""
    classifiers = [line for line in one.metadata.get_all("Classifier") or () if line.startswith("License ::")]
    given = [*(one.metadata.get_all("License-Expression") or ()), *(one.metadata.get_all("License") or ())]
    lines = "\n".join(given).strip().splitlines()
    short = lines[0].strip() if lines and len(lines[0]) <= 80 else ""
    return short or ", ".join(line.rpartition(" :: ")[2] for line in classifiers) or "see its text"


def _files(one: Distribution) -> list[str]:
    return [str(path) for path in one.files or () if path.name.upper().startswith(_NAMES)]


def _texts(one: Distribution) -> Iterable[str]:
    for path in _files(one):
        file = Path(str(one.locate_file(path)))
        if file.is_file():
            yield f"{path}\n\n{file.read_text(encoding='utf-8', errors='replace')}"
