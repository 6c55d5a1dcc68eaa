"""Finds extension folders and puts them into a host. A folder with extension.toml is one."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from sdui.core.errors import ExtensionError

from .host import Host

log = logging.getLogger(__name__)

Part = Literal["params", "engine", "page"]
MANIFEST = "extension.toml"
PACKAGE = "sdui_extensions"
"""Extension "x y" is imported as sdui_extensions.x_y, so that its modules can import each other."""


@dataclass(frozen=True, slots=True)
class Found:
    folder: Path
    title: str
    problem: str = ""
    """Why it cannot be used."""

    @property
    def name(self) -> str:
        return self.folder.name


def find(folder: Path) -> list[Found]:
    """The native extensions in a folder, by name. Nothing of them is run."""
    manifests = sorted(folder.glob(f"*/{MANIFEST}"), key=lambda path: path.parent.name.casefold())
    return [_described(path) for path in manifests]


def add_all(host: Host, found: Sequence[Found], parts: Sequence[Part]) -> list[str]:
    """Their parts into the host; a sentence for each that cannot be used, which changes nothing else."""
    problems: list[str] = []
    for one in found:
        try:
            if one.problem:
                raise ExtensionError(one.problem)
            for part in parts:
                if (one.folder / f"{part}.py").is_file():
                    host.add(_imported(one.folder, part), f"{one.name}/{part}.py")
        except ExtensionError as error:
            log.error("%s", error)
            problems.append(str(error))
    return problems


def _described(manifest: Path) -> Found:
    folder = manifest.parent
    try:
        given = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Found(folder, folder.name, f"Extension {folder.name}: {manifest} cannot be read: {error}")
    return Found(folder, str(given.get("title", folder.name)))


def _imported(folder: Path, part: Part) -> ModuleType:
    """Anew, also where another folder of this name was imported before. Raises ExtensionError."""
    package = f"{PACKAGE}.{re.sub('[^0-9a-zA-Z_]', '_', folder.name)}"
    try:
        if part == "params" or package not in sys.modules:
            _forget(package)
            _make_package(PACKAGE, [])
            _make_package(package, [str(folder)])
        sys.modules.pop(f"{package}.{part}", None)
        return importlib.import_module(f"{package}.{part}")
    except Exception as error:
        raise ExtensionError(
            f"Extension {folder.name}: {part}.py cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _make_package(name: str, places: list[str]) -> None:
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = places
    sys.modules[name] = importlib.util.module_from_spec(spec)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
