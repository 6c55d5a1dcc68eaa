"""What a report of a bug needs to say of this server, as JSON; shown on the Settings tab's page "Sysinfo"."""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
from datetime import UTC, datetime
from html import escape
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, cast

import gradio as gr
import psutil
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from sdui.core.launch import Launch
from sdui.core.networks import NetworkQuery
from sdui.core.params import Declared, Params, declared
from sdui.services import Services

from .form import Updates
from .results import QUIET

_SECRET = re.compile("auth|password|passwd|secret|token|key|credential", re.IGNORECASE)
_LINK = (
    '<a class="button" href="internal/sysinfo-download" download>Download system info</a> '
    "Nothing in it tells who you are: folders of yours begin with ~, passwords are left out."
)


def build(services: Services, page: str) -> None:
    gr.HTML(f"<p>{_LINK}</p>", elem_id="sysinfo_download")
    shown = gr.HTML('<p class="quiet">Looking around...</p>', elem_id="sysinfo_text", elem_classes=["tool-list"])
    opened = gr.Button("Open", visible="hidden", elem_id=f"{page}_open")

    def show() -> Updates:
        return {shown: f'<pre tabindex="0">{escape(as_text(services))}</pre>'}

    opened.click(show, None, [shown], **QUIET)


def routes(services: Services) -> APIRouter:
    served = APIRouter()

    def sysinfo() -> PlainTextResponse:
        return PlainTextResponse(as_text(services), media_type="application/json")

    def download() -> PlainTextResponse:
        name = f"sysinfo-{datetime.now().strftime('%Y-%m-%d-%H-%M')}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return PlainTextResponse(as_text(services), media_type="application/json", headers=headers)

    served.get("/page/sysinfo")(sysinfo)
    served.get("/internal/sysinfo")(sysinfo)
    served.get("/internal/sysinfo-download")(download)
    return served


def as_text(services: Services) -> str:
    return json.dumps(without_names(gathered(services)), indent=2, ensure_ascii=False, default=str)


def gathered(services: Services) -> dict[str, Any]:
    catalog = services.jobs.catalog()
    library = services.jobs.library()
    memory = psutil.virtual_memory()
    return {
        "Time": datetime.now(UTC).isoformat(timespec="seconds"),
        "Versions": services.versions,
        "Platform": platform.platform(),
        "Python": platform.python_version(),
        "CPU": {"name": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "RAM": {"total": _gigabytes(memory.total), "available": _gigabytes(memory.available)},
        "Device": catalog.device or "not known",
        "Start options": _chosen(services.launch, Launch()),
        "Settings": _chosen(services.settings.current, services.settings.model()),
        "Extensions": sorted(group for group in services.requests().extensions.model_dump()),
        "Problems": [*services.problems, *filter(None, (services.settings.problem, services.defaults.problem))],
        "Models": {
            "checkpoints": len(catalog.checkpoints),
            "checkpoints that cannot be used": sum(bool(one.problem) for one in catalog.checkpoints),
            "LoRAs": library.page(NetworkQuery("lora", count=1)).found,
            "embeddings": library.page(NetworkQuery("embedding", count=1)).found,
            "hypernetworks": library.page(NetworkQuery("hypernetwork", count=1)).found,
            "VAEs": len(catalog.vaes) - len(type(catalog)().vaes),
            "upscalers": len(catalog.upscalers),
        },
        "Packages": {one.metadata["Name"]: one.version for one in sorted(distributions(), key=lambda one: one.name)},
    }


def without_names(value: Any) -> Any:
    """The same with ~ for the user's folder and wherever the user's name is a part of a path."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {name: without_names(one) for name, one in entries.items()}
    if isinstance(value, list | tuple):
        return [without_names(one) for one in cast("list[Any]", value)]
    if not isinstance(value, str | Path):
        return value
    home = re.escape(str(Path.home()))
    text = re.sub(rf"(?:^|(?<=[\s'\",:;=(])){home}(?=$|[/\\\s'\",:;)])", "~", str(value))
    return re.sub(rf"(?<=[/\\]){re.escape(_user())}(?=[/\\]|$)", "~", text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run with a number that has no name
        return "~"


def _chosen(values: Params, default: Params) -> dict[str, Any]:
    """What differs from the default, without secrets."""

    def is_told(d: Declared) -> bool:
        return d.of(values) != d.of(default) and not d.param.secret and not _SECRET.search(d.path)

    return {d.path: d.of(values) for d in declared(type(values)) if is_told(d)}


def _gigabytes(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
