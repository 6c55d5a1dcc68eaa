"""Files of words that prompts name, __colours__: a line each in .txt files, lists in trees of .yaml files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import yaml

_FOLDERS = (
    "wildcards",
    "extensions/sd-dynamic-prompts/wildcards",
    "extensions/stable-diffusion-webui-wildcards/wildcards",
)
"""In the data folder; a later one's file takes the place of an earlier one's of the same name."""


def folders(data: Path) -> list[Path]:
    """Those that there are; `data / "wildcards"` is where users are told to put files."""
    return [data / folder for folder in _FOLDERS if (data / folder).is_dir()]


class Wildcards:
    """Of these folders and those in them; the files are read when they are first asked for."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._read: dict[str, list[str]] | None = None

    def names(self) -> list[str]:
        """Without ending, with "/"; sorted."""
        return sorted(self._all())

    def lines(self, name: str) -> list[str]:
        """Of the wildcard, or of all that a name with "*" or "?" means; upper and lower case are one."""
        wanted = name.strip().strip("/").casefold()
        found = [lines for known, lines in self._all().items() if fnmatchcase(known, wanted)]
        if not found and not wanted.startswith("*"):
            # The folder may be left out.
            found = [lines for known, lines in self._all().items() if fnmatchcase(known, f"*/{wanted}")][:1]
        return [line for lines in found for line in lines]

    def _all(self) -> dict[str, list[str]]:
        if self._read is None:
            self._read = {name: lines for folder in self._folders for name, lines in _in(folder)}
        return self._read


def _in(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(folder.rglob("*.txt")):
        name = path.relative_to(folder).with_suffix("").as_posix().casefold()
        yield name, _lines(path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        try:
            tree: Any = yaml.safe_load(path.read_text(encoding="utf-8-sig", errors="replace"))
        except yaml.YAMLError:
            continue
        yield from _branches(tree, "")


def _branches(tree: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(tree, dict):
        for key, branch in cast("dict[Any, Any]", tree).items():
            yield from _branches(branch, f"{name}/{key}".strip("/").casefold())
    elif isinstance(tree, list):
        yield name, _lines(str(line) for line in cast("list[Any]", tree) if not isinstance(line, dict))
    elif isinstance(tree, str):
        yield name, _lines([tree])


def _lines(lines: Iterable[str]) -> list[str]:
    """Without comments and empty ones."""
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
