"""A file is the old one or the new one, and nothing else is left in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdui.core.files import write_atomic, write_new


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a/b.txt"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert (path.read_bytes(), names(path.parent)) == (b"new", ["b.txt"])


def test_never_replaces_when_new_is_asked(tmp_path):
    path = tmp_path / "b.txt"
    write_new(path, b"old")
    with pytest.raises(FileExistsError):
        write_new(path, b"new")
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["b.txt"])


def test_leaves_nothing_behind_when_it_fails(tmp_path):
    (tmp_path / "b.txt").mkdir()
    (tmp_path / "b.txt/full").touch()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "b.txt", b"new")
    assert names(tmp_path) == ["b.txt"]
