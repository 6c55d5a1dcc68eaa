"""Writing files so that a crash at any moment leaves the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import itertools
import os
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import IO


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` by `data`; flushed to the disk when this returns. Raises OSError."""
    temporary = write_temporary(path.parent, data)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Create `path` with `data`; flushed to the disk when this returns.

    Raises FileExistsError, leaving the old file alone, when there is one; other OSErrors as they come.
    """
    temporary = write_temporary(path.parent, data)
    try:
        _rename_new(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def large_file(path: Path, replace: bool = False) -> Generator[IO[bytes]]:
    """A file to be written piece by piece, called `path` and on the disk when the block has ended well.

    Otherwise nothing is left of it, on Linux not even when the process is killed. Raises FileExistsError at the end,
    leaving the old file alone, unless it is to be replaced; other OSErrors as they come.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        nameless = _open_nameless(path.parent)
        with nameless or temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if nameless:
                _give_name(file, temporary)
        if replace:
            temporary.replace(path)
        else:
            _rename_new(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_temporary(folder: Path, data: bytes) -> Path:
    """A flushed hidden file with `data`; nothing is left behind when writing fails."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def put_aside(path: Path) -> str:
    """Rename a damaged file, so that writing a new one does not destroy it. Returns the end of a sentence."""
    names = (f"{path.name}.damaged{number or ''}" for number in itertools.count())
    aside = next(one for name in names if not (one := path.with_name(name)).exists())
    try:
        path.replace(aside)
    except OSError:
        return " and no change can be kept"
    return f", the old file is {aside.name}"


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut; a system that cannot open folders needs no such call."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _open_nameless(folder: Path) -> IO[bytes] | None:
    """A file in `folder` without a name, which goes away with its process; None where there is no such thing."""
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except (OSError, AttributeError):
        return None


def _give_name(file: IO[bytes], path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # Only with a folder given does Python follow the link to the file instead of linking to the link.
        os.link(f"/proc/self/fd/{file.fileno()}", path.name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)


def _rename_new(source: Path, target: Path) -> None:
    """Rename without replacing: a hard link refuses an existing name, and so does a rename on Windows."""
    if os.name == "nt":
        source.rename(target)
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # No hard links on this file system: the lock on the folder's numbers must do.
        if target.exists():
            raise FileExistsError(target) from None
        source.rename(target)
        return
    source.unlink()
