"""What the page's controls begin with: A1111's ui-config.json, read leniently, keys of other programs kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from .files import put_aside, write_atomic

PROPERTIES = ("value", "minimum", "maximum", "step", "visible")
_OWN_SCRIPTS = ("sampler.py", "seed.py", "refiner.py")
"""A1111 1.10 makes these parts of its form with scripts; before, their keys were like all others."""


class Control(NamedTuple):
    """How the file calls a control: "txt2img/Width", "customscript/xyz_plot.py/txt2img/X type"."""

    tab: str
    label: str
    script: str = ""
    """A file's name."""

    def keys(self) -> list[str]:
        """Those that may stand in a file, ours first."""
        plain = f"{self.tab}/{self.label}"
        if self.script:
            return [f"customscript/{self.script}/{plain}"]
        return [plain, *(f"customscript/{script}/{plain}" for script in _OWN_SCRIPTS)]


class UiDefaults:
    """Written whole and atomically. Of the wrong type are values only to the control that they are for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._changing = threading.Lock()
        self._entries = self._read()

    def of(self, control: Control) -> dict[str, Any]:
        """What the file says of it, by PROPERTIES; not checked."""
        found: dict[str, Any] = {}
        for key in reversed(control.keys()):
            said = {name: self._entries.get(f"{key}/{name}") for name in PROPERTIES}
            found |= {name: value for name, value in said.items() if value is not None}
        return found

    def change(self, values: Mapping[Control, Any]) -> None:
        """Make these values the ones to begin with. Raises OSError, and then nothing was changed."""
        with self._changing:
            entries = self._entries | {f"{self._key(control)}/value": value for control, value in values.items()}
            write_atomic(self.path, json.dumps(entries, indent=4, ensure_ascii=False).encode())
            self._entries = entries

    def _key(self, control: Control) -> str:
        """The one that the file has already."""
        keys = control.keys()
        return next((key for key in keys if f"{key}/value" in self._entries), keys[0])

    def _read(self) -> dict[str, Any]:
        if not self.path.exists():
            return {}
        try:
            given = json.loads(self.path.read_text(encoding="utf-8-sig"))
            if not isinstance(given, dict):
                raise ValueError("it is no JSON object")
        except (OSError, ValueError) as error:
            aside = put_aside(self.path)
            self.problem = f"{self.path} cannot be read ({error}); the controls begin as declared{aside}."
            return {}
        return cast("dict[str, Any]", given)
