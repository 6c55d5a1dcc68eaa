"""Which model files exist, what they are called, and which of them a name or hash means."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from sdui.core.catalog import Checkpoint, ModelKind, is_hash
from sdui.core.errors import ModelFileError, ModelNotFound

from . import checkpoint_files, training
from .checkpoint_files import CheckpointFile, best_match
from .hashes import Hashes, autov1_of, compute, no_break, sha256_of
from .index import Index, Learned, Record
from .listing import Listing, ModelFile
from .metadata import read_metadata, read_texts, without_pictures
from .scan import Found, scan, version_of

__all__ = ["CheckpointFile", "Folders", "ModelFile", "ModelFiles"]

log = logging.getLogger(__name__)

Folders = Mapping[ModelKind, Sequence[Path]]
_ENDINGS: dict[ModelKind, tuple[str, ...]] = {
    "vae": (".safetensors", ".ckpt", ".pt"),
    "taesd": (".safetensors", ".ckpt", ".pt", ".pth"),
    "lora": (".safetensors", ".ckpt", ".pt"),
    "embedding": (".safetensors", ".pt", ".bin", ".png", ".webp", ".jxl", ".avif"),
    "hypernetwork": (".pt",),
    "upscaler": (".safetensors", ".ckpt", ".pt", ".pth", ".bin"),
    "ldsr": (".safetensors", ".ckpt"),
    "detector": (".onnx",),
    "face_restorer": (".safetensors", ".ckpt", ".pt", ".pth"),
}
_PREVIEWS = tuple(f".preview{ending}" for ending in (".png", ".webp", ".jxl", ".avif"))
_AT_ONCE = 200
"""Files that are looked into between two writes to the index."""
_HASHED: tuple[ModelKind, ...] = ("vae", "lora", "embedding", "hypernetwork")


class ModelFiles:
    """Checkpoints are looked for at every call, other kinds when a name is missing or `of` is called."""

    def __init__(self, folders: Folders, cache: Path) -> None:
        """cache: the folder for the index, and for what else may be lost."""
        self.cache = cache
        self._folders = folders
        self._index = Index(cache / "models.sqlite3")
        self._checkpoints: dict[str, CheckpointFile] = {}
        self._listings: dict[ModelKind, Listing] = {}

    def folders(self, kind: ModelKind) -> tuple[Path, ...]:
        """Where files of a kind are looked for."""
        return tuple(self._folders.get(kind, ()))

    def of(self, kind: ModelKind) -> list[ModelFile]:
        """Every file of a kind but checkpoints, in A1111's order, in which the last of equal names counts.

        The folders are looked through anew; nothing of the files is read.
        """
        return self._look(kind).files

    def named(self, kind: ModelKind, name: str, digits: str = "") -> ModelFile | None:
        """By file name, else, for a LoRA, by the name its maker gave it; case matters.

        `digits`, the first ones of a hash, count more than the name once a file with that hash is known.
        """
        found = self._named(kind, name)
        if digits and not (found and is_hash(digits, self.known(found).known)):
            return self.by_hash(kind, digits) or found
        return found

    def lora(self, name: str, digits: str = "") -> ModelFile | None:
        return self.named("lora", name, digits)

    def by_hash(self, kind: ModelKind, digits: str) -> ModelFile | None:
        """The file that is known to have this hash, of whichever sort; nothing is hashed for it."""
        files = (self._listings.get(kind) or self._look(kind)).files
        return next((file for file in files if is_hash(digits, self.known(file).known)), None)

    def known(self, file: CheckpointFile | ModelFile) -> Hashes:
        """What is known without reading the file."""
        return self.record(file).hashes

    def sha256(self, file: CheckpointFile | ModelFile) -> str:
        """64 hex digits, computed once for each version of a file. Raises ModelFileError."""
        version = version_of(file.path)
        known = self._index.get(file.key, version).hashes.sha256
        if known:
            return known
        log.info("Computing the SHA-256 of %s", file.path)
        with _named_errors(file.path):
            new = {"sha256": sha256_of(file.path), "autov1": autov1_of(file.path)}
        self._index.learn([Learned(file.key, version, hashes=new)])
        return new["sha256"]

    def hash_of(self, file: CheckpointFile | ModelFile, on_block: Callable[[], None] = no_break) -> Hashes:
        """All hashes, computed once for each version of a file. Raises ModelFileError, and what `on_block` raises."""
        version = version_of(file.path)
        known = self._index.get(file.key, version).hashes
        if not _is_complete(file, known):
            if isinstance(file, ModelFile):
                self.read([replace(file, version=version)])
            with _named_errors(file.path):
                new = asdict(compute(file.path, on_block))
            self._index.learn([Learned(file.key, version, hashes=new)])
        return self._index.get(file.key, version).hashes

    def metadata(self, file: ModelFile) -> dict[str, str]:
        """Of a safetensors file, pictures left out; empty where there is none."""
        self.read([file])
        kept = self._index.metadata(file.key, file.version)
        return read_metadata(file.path) if kept is None else kept

    def record(self, file: CheckpointFile | ModelFile) -> Record:
        """What the index knows of it."""
        return self._index.get(file.key, file.version)

    def aliases(self, kind: ModelKind, files: Iterable[ModelFile]) -> list[str]:
        """What prompts may call these files of one kind."""
        return (self._listings.get(kind) or self._look(kind)).aliases(files)

    def read_metadata(self, on_file: Callable[[], None] = no_break) -> None:
        """Of every file that prompts name. `on_file` is called before each that has to be opened; it may raise."""
        for kind in _HASHED:
            self.read((self._listings.get(kind) or self._look(kind)).files, on_file)

    def read(self, files: Iterable[ModelFile], on_file: Callable[[], None] = no_break) -> None:
        """The metadata of these, as far as the index lacks it."""
        unread = self._unread(files)
        for at in range(0, len(unread), _AT_ONCE):
            self._learn(unread[at : at + _AT_ONCE], on_file)

    def unhashed(self) -> list[CheckpointFile | ModelFile]:
        """What `hash_of` would have to read."""
        others = [file for kind in _HASHED for file in (self._listings.get(kind) or self._look(kind)).files]
        once = {file.key: file for file in reversed([*self.checkpoints(), *others])}
        return [file for file in reversed(once.values()) if not _is_complete(file, self.known(file))]

    def checkpoints(self) -> list[CheckpointFile]:
        """Every checkpoint, sorted by title; damaged ones too."""
        wanted = checkpoint_files.is_checkpoint
        folders = self.folders("checkpoint")
        found = _once(one for folder in folders for one in scan(folder, wanted, whole_folders=True))
        return sorted((self._checkpoint(one) for one in found), key=lambda file: file.title_path.casefold())

    def find(self, name: str, digits: str = "") -> CheckpointFile:
        """By the first digits of a hash if given, else as A1111 finds it by a name; "" is the first usable one.

        Raises ModelNotFound.
        """
        files = self.checkpoints()
        hashed = [file for file in files if is_hash(digits, self.known(file).known)]
        if digits and not hashed:
            hashed = [file for file in files if file.name == name and is_hash(digits, (self.sha256(file),))]
        files_in_question = hashed or files
        if name and (place := best_match(files_in_question, name, self.known)) is not None:
            return files_in_question[place]
        if hashed or (files and not name):
            return min(files_in_question, key=lambda file: bool(file.description.problem))
        where = ", ".join(str(folder) for folder in self.folders("checkpoint"))
        if not files:
            raise ModelNotFound(f"Checkpoint: there is none. Put a .safetensors file into {where} and press refresh.")
        raise ModelNotFound(
            f"Checkpoint: there is no {name!r} in {where}. Known are {', '.join(f.name for f in files)}."
        )

    def at(self, path: Path) -> CheckpointFile:
        """A checkpoint that need not be in a folder of models."""
        key = os.path.realpath(path)
        return CheckpointFile(path, path.name, key=key, version=version_of(path))

    def catalog(self) -> tuple[Checkpoint, ...]:
        return tuple(file.entry(self.known(file)) for file in self.checkpoints())

    def close(self) -> None:
        self._index.close()

    def _look(self, kind: ModelKind) -> Listing:
        endings = _ENDINGS[kind]
        found = [one for folder in self.folders(kind) for one in scan(folder, lambda name: _ends(name, endings))]
        if kind == "vae":
            wanted = checkpoint_files.VAE_ENDINGS
            beside = [one for at in self.folders("checkpoint") for one in scan(at, lambda name: _ends(name, wanted))]
            found = [*beside, *found]
        files = [ModelFile(kind, one.path, one.title, one.key, one.version) for one in _once(found)]
        self._listings[kind] = Listing(files, self.record)
        return self._listings[kind]

    def _named(self, kind: ModelKind, name: str) -> ModelFile | None:
        """From the last look, when the file is still as it was then, else from a new one."""
        known = self._listings.get(kind)
        found = known and known.named(name)
        if found and version_of(found.path) == found.version:
            return found
        if kind == "lora" and known and found is None:
            found = known.aliased(name)
            if found and version_of(found.path) == found.version and not self._unread(known.files):
                return found
        listing = self._look(kind)
        found = listing.named(name)
        if found is None and kind == "lora":
            self.read(listing.files)
            found = listing.aliased(name)
        return found

    def _unread(self, files: Iterable[ModelFile]) -> list[ModelFile]:
        return [file for file in files if not training.is_current(self.record(file).described)]

    def _learn(self, files: list[ModelFile], on_file: Callable[[], None] = no_break) -> None:
        news: list[Learned] = []
        for file in files:
            on_file()
            texts = read_texts(file.path)
            metadata = without_pictures(texts)
            told = training.to_text(training.training_of(texts))
            fields = {"described": told, "alias": metadata.get("ss_output_name", "")}
            declared = {"declared": metadata.get("sshs_model_hash", ""), "legacy": metadata.get("sshs_legacy_hash", "")}
            hashes = {name: digits.lower() for name, digits in declared.items()}
            news.append(Learned(file.key, file.version, fields, hashes, metadata or None))
        self._index.learn(news)

    def _checkpoint(self, found: Found) -> CheckpointFile:
        """The same object until the file changes: what is loaded must notice a new one."""
        known = self._checkpoints.get(found.path)
        if known is None or known.version != found.version:
            description = checkpoint_files.from_text(self._index.get(found.key, found.version).described)
            if description is None:
                description = self._describe(found)
            known = CheckpointFile(Path(found.path), found.title, description, found.key, found.version)
            self._checkpoints[found.path] = known
        return known

    def _describe(self, found: Found) -> checkpoint_files.Description:
        path = Path(found.path)
        description = checkpoint_files.described(path)
        try:
            hashes = {"autov1": autov1_of(path)}
        except OSError:
            return description
        fields = {"described": checkpoint_files.to_text(description)}
        self._index.learn([Learned(found.key, found.version, fields, hashes)])
        return description


@contextmanager
def _named_errors(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    lower = name.lower()
    return lower.endswith(endings) and not lower.endswith(_PREVIEWS)


def _once(found: Iterable[Found]) -> Iterable[Found]:
    """Without repeats, where one folder lies in another; a file and links to it are all kept, by their own names."""
    return {one.path: one for one in found}.values()


def _is_complete(file: CheckpointFile | ModelFile, known: Hashes) -> bool:
    return bool(known.sha256 and (known.autov3 or not file.title_path.lower().endswith(".safetensors")))
