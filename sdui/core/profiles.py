"""Named sets of what the page's controls held and of settings, a JSON file for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from .errors import RequestError
from .files import write_atomic, write_new

_NAME = re.compile(r"\w(?:[\w .()+,-]{0,58}[\w)+])?")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows gives to devices."""


class Profile(NamedTuple):
    name: str
    controls: Mapping[str, Any]
    """By tab and path, such as "txt2img.hires.scale"."""
    preferences: Mapping[str, Any]


class Profiles:
    """A folder. Every method raises RequestError with a sentence for the user, also for what the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        stems = (path.stem for path in self._folder.glob("*.json"))
        return sorted((stem for stem in stems if _is_name(stem)), key=str.casefold)

    def read(self, name: str) -> Profile:
        path = self._path(name)
        try:
            given: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise RequestError(f"Profile {name}: {path} cannot be read: {error}.") from error
        content = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        parts = (content.get(part) for part in ("controls", "preferences"))
        controls, preferences = (cast("dict[str, Any]", part) if isinstance(part, dict) else {} for part in parts)
        return Profile(name, controls, preferences)

    def save(self, profile: Profile, *, replace: bool) -> None:
        path = self._path(profile.name)
        content = {"controls": profile.controls, "preferences": profile.preferences}
        write = write_atomic if replace else write_new
        try:
            write(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
        except FileExistsError as error:
            raise RequestError(f"There is a profile {profile.name} already; replace it below.") from error
        except OSError as error:
            raise RequestError(f"Profile {profile.name}: {path} cannot be written: {error.strerror}.") from error

    def rename(self, name: str, to: str) -> None:
        self.save(self.read(name)._replace(name=to), replace=False)
        self.remove(name)

    def remove(self, name: str) -> None:
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise RequestError(f"Profile {name} cannot be removed: {error.strerror}.") from error

    def _path(self, name: str) -> Path:
        if not _is_name(name):
            raise RequestError(
                f"Profile: {name[:80]!r} cannot be its name; letters, digits, spaces and - _ . , ( ) + can, up to 60."
            )
        return self._folder / f"{name}.json"


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not _RESERVED.fullmatch(name)
