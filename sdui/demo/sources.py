"""Fetches the packages that the pictures come from, and checks that they are the ones that were meant."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sdui.core.errors import SduiError

_REGISTRY = "https://registry.npmjs.org"


class DataUnavailable(SduiError): ...


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the npm registry."""

    name: str
    version: str
    licence: str
    used_for: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name.rpartition('/')[2]}-{self.version}.tgz"

    @property
    def address(self) -> str:
        return f"{_REGISTRY}/{self.name}/-/{self.file}"


SHADED = Package(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "MIT (art: Microsoft fluentui-emoji, MIT)",
    "3d style",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
)
FLAT = Package(
    "@iconify-json/fluent-emoji-flat",
    "1.2.6",
    "MIT (same art)",
    "flat style",
    "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
)
ICON = Package(
    "@iconify-json/fluent-emoji-high-contrast",
    "1.2.6",
    "MIT (same art)",
    "icon style",
    "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
)
NAMES = Package(
    "emojibase-data",
    "17.0.0",
    "MIT",
    "names of the emoji",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
)
PACKAGES = (SHADED, FLAT, ICON, NAMES)


def fetched(package: Package, folder: Path) -> Path:
    """The package's archive in `folder`, from npm's registry when it is not there yet.

    Raises DataUnavailable when it cannot be had, or is not the one that was meant.
    """
    file = folder / package.file
    if not file.is_file():
        try:
            content = httpx.get(package.address, follow_redirects=True, timeout=120).raise_for_status().content
        except httpx.HTTPError as error:
            raise DataUnavailable(
                f"{package.address} could not be fetched ({error}). Put that file into {folder}."
            ) from error
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_bytes(content)
        part.replace(file)
    if hashlib.sha256(file.read_bytes()).hexdigest() != package.sha256:
        raise DataUnavailable(
            f"{file} is not {package.name} {package.version}: its SHA-256 differs. Delete it and try again."
        )
    return file


def member(archive: Path, name: str) -> bytes:
    """One file of a package. Raises KeyError when it is not there."""
    with tarfile.open(archive) as package:
        file = package.extractfile(f"package/{name}")
        if file is None:
            raise KeyError(name)
        return file.read()


def members(archive: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Those of `names` that the package has, in one pass."""
    with tarfile.open(archive) as package:
        for entry in package:
            name = entry.name.removeprefix("package/")
            file = package.extractfile(entry) if name in names else None
            if file is not None:
                yield name, file.read()


def parsed(archive: Path, name: str) -> Any:
    return json.loads(member(archive, name))
