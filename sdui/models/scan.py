"""Looking through folders of model files: fast, through links, and never in circles."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

DIFFUSERS_MARK = "model_index.json"
"""A folder with this file is one model (the format of the diffusers library)."""

Version = tuple[int, int]
"""Size in bytes and time of change in nanoseconds; (-1, -1) for what is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    path: str
    title: str
    """Relative to the folder that was looked through, with "/"."""
    key: str
    """The path with no link in it: the same for a file and for all links to it."""
    version: Version


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    title: str
    """With "/" at its end, "" for the first one."""
    keys: tuple[str, ...]
    """Of this folder, last, and of all those it is in."""


def scan(folder: Path, wanted: Callable[[str], bool], *, whole_folders: bool = False) -> Iterator[Found]:
    """Files whose name is `wanted`, those in sub-folders after those beside them, numbers in names counted as numbers.

    Links are followed; hidden files and folders, links that lead nowhere and what cannot be read are passed over.
    `whole_folders`: a diffusers folder is one file of this list, whatever its name, and not looked into.
    """
    yield from _scan(_Folder(str(folder), "", (os.path.realpath(folder),)), wanted, whole_folders)


def version_of(path: Path) -> Version:
    """Of a file, or of all that is in a folder."""
    try:
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            return found.st_size, found.st_mtime_ns
        inner = [inside.stat() for inside in path.rglob("*") if inside.is_file()]
    except OSError:
        return -1, -1
    return sum(one.st_size for one in inner), max((one.st_mtime_ns for one in inner), default=0)


def natural(name: str) -> list[tuple[int, str]]:
    """For sorting "lora 2" before "lora 10", in any case (A1111's order)."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _NUMBERS.split(name.casefold())]


_NUMBERS = re.compile(r"(\d{1,18})", re.ASCII)


def _scan(folder: _Folder, wanted: Callable[[str], bool], whole_folders: bool) -> Iterator[Found]:
    inner: list[os.DirEntry[str]] = []
    for entry in _entries(folder.path):
        if _is_dir(entry):
            inner.append(entry)
        elif wanted(entry.name) and (found := _file(folder, entry)):
            yield found
    for entry in inner:
        key = os.path.realpath(entry.path)
        if key in folder.keys:
            continue
        title = folder.title + entry.name
        if whole_folders and Path(entry.path, DIFFUSERS_MARK).is_file():
            yield Found(entry.path, title, key, version_of(Path(entry.path)))
        else:
            yield from _scan(_Folder(entry.path, title + "/", (*folder.keys, key)), wanted, whole_folders)


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted((e for e in entries if e.name[0] != "."), key=lambda entry: natural(entry.name))
    except OSError:
        return []


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file(folder: _Folder, entry: os.DirEntry[str]) -> Found | None:
    try:
        found = entry.stat()
        linked = entry.is_symlink()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    key = os.path.realpath(entry.path) if linked else folder.keys[-1].rstrip(os.sep) + os.sep + entry.name
    return Found(entry.path, folder.title + entry.name, key, (found.st_size, found.st_mtime_ns))
