"""What a report of a bug needs to say of this server, as JSON."""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, cast

import psutil

from sdui.core.launch import Launch
from sdui.core.networks import NetworkQuery
from sdui.core.params import Declared, Params, declared
from sdui.services import Services

_SECRET = re.compile("auth|password|passwd|secret|token|key|credential", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether the value of a start option or a setting of this name must not be told."""
    return bool(_SECRET.search(name))


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
        return d.of(values) != d.of(default) and not is_secret(d.path)

    return {d.path: d.of(values) for d in declared(type(values)) if is_told(d)}


def _gigabytes(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
