"""Which checkpoint files exist, what they are called and what their headers say."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sdui.core.catalog import Checkpoint, ModelKind
from sdui.core.errors import ModelFileError, ModelNotFound

from .families import family_of
from .families.others import kind_of
from .header import Header, read_header

log = logging.getLogger(__name__)

Version = tuple[int, int]
_SHORT = 10
"""Hex digits of the SHA-256 that A1111 shows."""


Folders = Mapping[ModelKind, Sequence[Path]]
ENDINGS: dict[ModelKind, tuple[str, ...]] = {
    "vae": (".safetensors", ".ckpt", ".pt"),
    "lora": (".safetensors", ".ckpt", ".pt"),
    "embedding": (".safetensors", ".pt", ".bin", ".png", ".webp", ".jxl", ".avif"),
    "hypernetwork": (".pt",),
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that goes with checkpoints: a VAE, LoRA, embedding or hypernetwork."""

    kind: ModelKind
    path: Path
    title_path: str
    """Relative to its models folder, with "/"."""

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    path: Path
    title_path: str
    """Relative to its models folder, with "/", as A1111 shows it."""
    header: Header | None
    """None when the file is damaged; `problem` then says how."""
    problem: str = ""

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def config(self) -> Path | None:
        """The LDM .yaml beside the file."""
        beside = self.path.with_suffix(".yaml")
        return beside if beside.is_file() else None


class ModelFiles:
    """Looks through the checkpoint folders at every call and reads what is new; hashes are kept in a database."""

    def __init__(self, folders: Folders, cache: Path) -> None:
        """cache: the folder for the database of hashes."""
        self._folders = folders
        self._hashes = HashCache(cache / "hashes.sqlite3")
        self._read: dict[Path, tuple[Version, CheckpointFile]] = {}

    def folders(self, kind: ModelKind) -> tuple[Path, ...]:
        """Where files of a kind are looked for."""
        return tuple(self._folders.get(kind, ()))

    def of(self, kind: ModelKind) -> list[ModelFile]:
        """Every file of a kind but checkpoints, sorted by title; nothing of them is read."""
        endings = ENDINGS[kind]
        found = [
            ModelFile(kind, path, path.relative_to(folder).as_posix())
            for folder in self.folders(kind)
            for path in folder.rglob("*")
            if path.suffix.lower() in endings and path.is_file()
        ]
        return sorted(found, key=lambda file: file.title_path.casefold())

    def checkpoints(self) -> list[CheckpointFile]:
        """Every checkpoint, sorted by title; damaged ones too."""
        folders = self.folders("checkpoint")
        found = [self._look_at(path, folder) for folder in folders for path in _files(folder)]
        return sorted(found, key=lambda file: file.title_path.casefold())

    def find(self, name: str, sha256: str = "") -> CheckpointFile:
        """By the first digits of the hash if given, else by title, file name or name; "" is the first usable one.

        Raises ModelNotFound.
        """
        files = self.checkpoints()
        if sha256:
            named = [file for file in files if name in ("", file.name)]
            for file in [*named, *(file for file in files if file not in named)]:
                known = self.sha256(file) if file in named else self._hashes.get(file.path)
                if known and known.startswith(sha256.lower()):
                    return file
        plain = re.sub(r" \[[0-9a-f]+\]$", "", name)
        for file in files if plain else sorted(files, key=_unusable):
            if plain in ("", file.title_path, file.path.name, file.name, file.title_path.rsplit(".", 1)[0]):
                return file
        where = ", ".join(str(folder) for folder in self.folders("checkpoint"))
        if not files:
            raise ModelNotFound(f"Checkpoint: there is none. Put a .safetensors file into {where} and press refresh.")
        raise ModelNotFound(
            f"Checkpoint: there is no {name!r} in {where}. Known are {', '.join(f.name for f in files)}."
        )

    def sha256(self, file: CheckpointFile | ModelFile) -> str:
        """64 hex digits, computed once for each version of a file."""
        known = self._hashes.get(file.path)
        if known:
            return known
        log.info("Computing the SHA-256 of %s", file.path)
        with file.path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        self._hashes.put(file.path, digest)
        return digest

    def catalog(self) -> tuple[Checkpoint, ...]:
        return tuple(self._entry(file) for file in self.checkpoints())

    def _look_at(self, path: Path, folder: Path) -> CheckpointFile:
        """The same object until the file changes: headers are long, and what is loaded must notice a new file."""
        version = _version(path)
        known = self._read.get(path)
        if known is None or known[0] != version:
            known = self._read[path] = version, _described(path, folder)
        return known[1]

    def _entry(self, file: CheckpointFile) -> Checkpoint:
        known = self._hashes.get(file.path)
        title = f"{file.title_path} [{known[:_SHORT]}]" if known else file.title_path
        if file.header is None:
            return Checkpoint(file.name, title, problem=file.problem)
        family = family_of(file.header.shapes)
        if family is None:
            return Checkpoint(file.name, title, problem=f"{file.path}: {kind_of(file.header.shapes)}")
        width, height = _resolution(file.header) or family.size
        return Checkpoint(file.name, title, family.name, width, height, _examples(file.header))


class HashCache:
    """SHA-256 by path, size and time of change; lost or damaged, it is only made again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, file: Path) -> str | None:
        row = self._execute("SELECT sha256 FROM hashes WHERE path = ? AND size = ? AND mtime = ?", _key(file))
        return row[0][0] if row else None

    def put(self, file: Path, sha256: str) -> None:
        self._execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", (*_key(file), sha256))

    def _execute(self, statement: str, values: tuple[str | int, ...]) -> list[tuple[str]]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
                database.execute(
                    "CREATE TABLE IF NOT EXISTS hashes "
                    "(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, sha256 TEXT)"
                )
                return database.execute(statement, values).fetchall()
        except (OSError, sqlite3.Error) as error:
            log.warning("%s cannot be used, hashes are computed anew each time: %s", self._path, error)
            return []


def _unusable(file: CheckpointFile) -> bool:
    return file.header is None or family_of(file.header.shapes) is None


def _version(file: Path) -> Version:
    """Size and time of change; -1 for a file that has just vanished."""
    try:
        stat = file.stat()
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def _key(file: Path) -> tuple[str, int, int]:
    return str(file.resolve()), *_version(file)


def _files(folder: Path) -> Iterator[Path]:
    return (
        path for path in folder.rglob("*.safetensors") if path.is_file() and not path.name.endswith(".vae.safetensors")
    )


def _described(path: Path, folder: Path) -> CheckpointFile:
    title = path.relative_to(folder).as_posix()
    try:
        return CheckpointFile(path, title, read_header(path))
    except ModelFileError as error:
        return CheckpointFile(path, title, None, str(error))


def _resolution(header: Header) -> tuple[int, int] | None:
    """`modelspec.resolution`, "512x768" (https://github.com/Stability-AI/ModelSpec)."""
    match = re.fullmatch(r"(\d+)x(\d+)", header.metadata.get("modelspec.resolution", ""))
    return (int(match[1]), int(match[2])) if match else None


def _examples(header: Header) -> tuple[str, ...]:
    """`sdui.example_prompts`, a JSON list of texts."""
    try:
        given = json.loads(header.metadata.get("sdui.example_prompts", "[]"))
        return tuple(str(prompt) for prompt in given)
    except (ValueError, TypeError):
        return ()
