"""A1111's controls are where its users look for them: label, element id, range, step and default, row by row.

a1111_controls.csv has the rows of A1111 at c8a5322d; what is left out or differs has its reason here.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.served_page import serve
from tests.ui.a1111_differences import DIFFERENT, LEFT_OUT

ROWS = Path(__file__).with_name("a1111_controls.csv")
KINDS = {
    "Slider": {"slider"},
    "Dropdown": {"dropdown"},
    "Radio": {"radio"},
    "Checkbox": {"checkbox"},
    "InputAccordion": {"accordion"},
    "CheckboxGroup": {"checkboxgroup"},
    "Textbox": {"textbox"},
    "TextArea": {"textbox"},
    "Text": {"textbox"},
    "Number": {"number", "textbox", "slider"},  # seeds are text: numbers of JavaScript lose digits
    "Button": {"button", "uploadbutton"},
    "ToolButton": {"button"},
    "Gallery": {"gallery"},
    "Image": {"image", "imageeditor"},
    "File": {"file"},
    "Files": {"file"},
    "Code": {"code"},
    "Tab": {"tabitem"},
    "TabItem": {"tabitem"},
}
"""Of Gradio's blocks; containers and HTML may be any."""


class Row(NamedTuple):
    section: str
    kind: str
    label: str
    elem_id: str
    details: dict[str, Any]


def rows() -> Iterator[Row]:
    with ROWS.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            pairs = (pair.split("=", 1) for pair in row["details"].split("; ") if "=" in pair)
            details = {name: ast.literal_eval(value) for name, value in pairs}
            for elem_id in expanded(row["section"], row["elem_id"]):
                yield Row(row["section"], row["kind"], row["label"], elem_id, details)


def expanded(section: str, elem_id: str) -> list[str]:
    """The ids on the page: "{tab}" is both tabs, "…" what the script's title makes of it."""
    if elem_id.startswith("…_"):
        name = elem_id.removeprefix("…_")
        if not section.startswith("Script: "):
            return [f"{tab}_{name}" for tab in ("txt2img", "img2img")]
        title = re.sub("[^a-z_0-9]", "", re.sub(r"\s", "_", section.removeprefix("Script: ").lower()))
        both = title in BOTH
        return (
            [f"script_{tab}_{title}_{name}" for tab in ("txt2img", "img2img")] if both else [f"script_{title}_{name}"]
        )
    ids = [elem_id]
    for name, values in PLACEHOLDERS.items():
        ids = [one.replace(name, value) for one in ids for value in (values if name in one else [""])]
    return ids


PLACEHOLDERS = {
    "{tab}": ("txt2img", "img2img"),
    "{tab_name}": ("img2img", "sketch", "inpaint", "inpaint_sketch"),
    "{ifid}": ("txt2img", "img2img", "extras", "pnginfo", "modelmerger", "train", "settings"),
    "{page.extra_networks_tabname}": ("textual_inversion", "hypernetworks", "checkpoints", "lora"),
    "settings_{elem_id}": tuple(
        f"settings_{section}"
        for section in ("saving_images_grids", "paths_for_saving", "stable_diffusion", "sampler_parameters", "infotext")
    ),
}
BOTH = ("custom_code", "prompt_matrix", "prompts_from_file_or_textbox", "xyz_plot")
"""Scripts of txt2img and img2img; the others are img2img's."""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Of the page as it is served: what its configuration says of the blocks with each id."""
    for server in serve(tmp_path_factory.mktemp("controls"), extensions=True):
        blocks: dict[str, list[dict[str, Any]]] = {}
        for block in httpx.get(server.url + "config").json()["components"]:
            props = block["props"] | {"kind": block["type"]}
            blocks.setdefault(props.get("elem_id") or "", []).append(props)
        yield blocks


def differences(row: Row, block: dict[str, Any]) -> list[str]:
    wanted = dict(row.details)
    wanted.pop("visible", None)
    if row.kind in KINDS and block["kind"] not in KINDS[row.kind]:
        return [f"kind: {block['kind']}, not {row.kind}"]
    if row.label and row.kind in KINDS:  # of HTML the table has code
        wanted["label"] = row.label
    wrong: list[str] = []
    for name, value in wanted.items():
        shown = block.get(name)
        if name == "choices":
            shown = [choice[0] if isinstance(choice, list) else choice for choice in shown or []]
        if name == "value":
            titles = (choice for choice in block.get("choices") or [] if isinstance(choice, list))
            shown = next((title for title, one in titles if one == shown), shown)
        if name == "label":
            shown = shown or block.get("value")
            if len(value) >= 70 and str(shown).startswith(value):  # cut in the table
                continue
        if name == "precision" or (shown is None and value in ("", [])):
            continue
        if str(shown) != str(value) and not (isinstance(value, float | int) and close(shown, value)):
            wrong.append(f"{name}: {shown!r}, not {value!r}")
    return wrong


def close(shown: Any, value: float) -> bool:
    try:
        return float(shown) == float(value)
    except (TypeError, ValueError):
        return False


def test_every_control_of_a1111_is_here_or_has_its_reason(found):
    problems: list[str] = []
    used: set[str] = set()
    table = list(rows())
    for row in table:
        name = row.elem_id or row.label
        if reason := LEFT_OUT.get(name):
            assert reason
            used.add(name)
            continue
        blocks = found.get(row.elem_id, []) if row.elem_id else labelled(found, row.label)
        if not blocks:
            problems.append(f"{row.section}: {row.kind} {row.label!r} #{row.elem_id} is missing")
            continue
        same = (other for other in table if other.elem_id == row.elem_id) if row.elem_id else (row,)
        wrong = min((differences(one, block) for one in same for block in blocks), key=len)
        known = DIFFERENT.get(name, {})
        used |= {name} if known else set()
        problems += [f"{row.section}: #{name}: {text}" for text in wrong if text.split(":")[0] not in known]
    assert not problems, "\n".join(problems)
    assert (LEFT_OUT.keys() | DIFFERENT.keys()) - used == set(), "reasons for rows that need none"


def labelled(found: dict[str, list[dict[str, Any]]], label: str) -> list[dict[str, Any]]:
    return [block for blocks in found.values() for block in blocks if block.get("label") == label]
