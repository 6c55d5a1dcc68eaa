"""Earlier versions of config.json: the whole file as it was before each change, and what a change has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from .files import write_atomic
from .params import Declared, Params, declared

KEPT = 50
"""Versions; the oldest go first."""
_NAME = re.compile(r"\d{8}T\d{12}Z")
_TIME = "%Y%m%dT%H%M%S%fZ"


class Version(NamedTuple):
    name: str
    """Of its file, without the ending."""
    time: datetime
    """When it was replaced, in UTC."""
    content: dict[str, Any]


class Difference(NamedTuple):
    declared: Declared
    old: Any
    new: Any


class SettingsHistory:
    """A folder with a file for each version. Files that cannot be read are passed over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, data: bytes) -> None:
        """Raises OSError."""
        write_atomic(self.folder / f"{datetime.now(UTC).strftime(_TIME)}.json", data)
        for path in self._paths()[:-KEPT]:
            path.unlink(missing_ok=True)

    def versions(self) -> list[Version]:
        """Newest first."""
        found = (self._read(path) for path in reversed(self._paths()))
        return [version for version in found if version]

    def find(self, name: str) -> Version | None:
        return self._read(self.folder / f"{name}.json") if _NAME.fullmatch(name) else None

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem))

    def _read(self, path: Path) -> Version | None:
        try:
            time = datetime.strptime(path.stem, _TIME).replace(tzinfo=UTC)
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):
            return None
        return Version(path.stem, time, cast("dict[str, Any]", content)) if isinstance(content, dict) else None


def differences(old: Params, new: Params) -> Iterator[Difference]:
    """Of the settings that are shown; what the page keeps up to date by itself has no section."""
    for d in declared(type(new)):
        if d.param.section and d.of(old) != d.of(new):
            yield Difference(d, d.of(old), d.of(new))
