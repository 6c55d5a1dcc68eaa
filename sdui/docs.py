"""Writes docs/parameters.md from the declarations: python -m sdui.docs > docs/parameters.md"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from sdui.builtin.all import add_all
from sdui.core.launch import Launch
from sdui.core.merging import MergeRequest
from sdui.core.params import Declared, Params, declared
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.extensions.host import Host

_HEAD = """\
# Parameters

Made from the declarations in `sdui/core` and `sdui/builtin`. Do not edit: `python -m sdui.docs > docs/parameters.md`.
"""

_EXTENSIONS = """\
## What extensions add

`sdui/builtin/NAME/params.py`. A request's field `extensions.NAME` is null, and all of it off, or holds these fields.
"""
_PLACES = {
    "always": "An accordion on txt2img, img2img or both; `alwayson_scripts` of A1111's API takes it by its title.",
    "script": "A script; A1111's API takes its title as `script_name` and the fields as `script_args`.",
    "operation": "An operation on the Extras tab.",
}

_KINDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "yes or no", Path: "path"}


def page() -> str:
    """The whole file."""
    return "\n".join(
        [
            _HEAD,
            *_table(
                "What a picture is made from",
                "`sdui/core/request.py`. Written into every picture, under the name in the third column.",
                GenerationRequest,
                ("Field", "Label", "In the picture's text", "A1111's name", "Values", "Default", "What it does"),
                lambda d: [f"`{d.path}`", d.param.label, d.param.infotext, f"`{d.name}`"],
            ),
            *_extensions(),
            *_table(
                "What a merged checkpoint is made from",
                "`sdui/core/merging.py`. Options of `./webui.sh merge` are named like the fields, `--bake-in-vae`.",
                MergeRequest,
                ("Field", "Label", "A1111's name", "Values", "Default", "What it does"),
                lambda d: [f"`{d.path}`", d.param.label, f"`{d.name}`"],
            ),
            *_table(
                "Settings",
                "`sdui/core/settings.py`. Kept in `config.json` under A1111's names, changed on the Settings tab.",
                Preferences,
                ("Key", "Label", "Section", "Values", "Default", "What it does"),
                lambda d: [f"`{d.name}`", d.param.label, d.param.section],
            ),
            *_table(
                "Start options",
                "`sdui/core/launch.py`. The command line goes before `COMMANDLINE_ARGS`, that before the variable.",
                Launch,
                ("Option", "Variable", "Values", "Default", "What it does"),
                lambda d: [f"`--{d.path.replace('_', '-')}`", f"`SDUI_{d.path.upper()}`"],
            ),
        ]
    )


def _extensions() -> Iterator[str]:
    """Of what comes with sdui, those for trusted users left out."""
    host = Host()
    add_all(host, ["params"])
    yield _EXTENSIONS
    for group in sorted(host.groups(), key=lambda group: (list(_PLACES).index(group.place), group.order)):
        yield from _table(
            f"{group.title} (`{group.name}`)",
            _PLACES[group.place],
            group,
            ("Field", "Label", "In the picture's text", "Values", "Default", "What it does"),
            lambda d: [f"`{d.path}`", d.param.label, d.param.infotext],
        )


def _table(
    title: str,
    note: str,
    model: type[Params],
    head: tuple[str, ...],
    names: Callable[[Declared], list[str]],
    level: str = "##",
) -> Iterator[str]:
    yield f"## {title}\n\n{note}\n"
    yield _row(head)
    yield _row("---" for _ in head)
    for d in declared(model):
        yield _row([*names(d), _values(d), _default(d), d.param.help])
    yield ""


def _values(d: Declared) -> str:
    low, high = d.bounds()
    kind = d.field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    (plain,) = [part for part in get_args(kind) or (kind,) if part not in (NoneType, ...)]
    if get_origin(plain) is Literal:
        return "some of " + ", ".join(f"`{value}`" for value in get_args(plain))
    limits = f" {low:,} to {high:,}" if low is not None and high is not None else ""
    return _KINDS[plain] + limits


def _default(d: Declared) -> str:
    value: Any = d.field.default
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value in (None, "", ()) else f"`{value}`"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())
