"""Checkpoint files: what their headers say, kept in the index, and the names that A1111 knows them by."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from sdui import __version__
from sdui.core.catalog import Checkpoint, is_hash
from sdui.core.errors import ModelFileError

from .families import families, family_of
from .families.others import kind_of
from .families.stable_diffusion import is_editing
from .hashes import Hashes
from .header import Header, read_header
from .scan import Version

_CHECKSUM = re.compile(r"\s*\[([^]]+)\]\s*$")
ENDINGS = (".safetensors", ".ckpt", ".gguf")
"""A GGUF file is none that sdui can use; it is listed to say so."""
VAE_ENDINGS = (".vae.safetensors", ".vae.ckpt", ".vae.pt")
"""Of files beside checkpoints that are VAEs (A1111's rule)."""


def is_checkpoint(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.lower().endswith(VAE_ENDINGS)


@dataclass(frozen=True, slots=True)
class Description:
    """What the catalog shows of a checkpoint."""

    family: str = ""
    width: int = 512
    height: int = 512
    examples: tuple[str, ...] = ()
    problem: str = ""
    """Why it cannot be loaded."""
    edits: bool = False


@dataclass(frozen=True)
class CheckpointFile:
    path: Path
    """Of a file or of a diffusers folder."""
    title_path: str
    """Relative to its models folder, with "/", as A1111 shows it."""
    description: Description = field(default_factory=Description)
    key: str = ""
    """The path with no link in it, under which the index has the file."""
    version: Version = (-1, -1)

    @property
    def name(self) -> str:
        return self.path.name if self.is_folder else self.path.stem

    @functools.cached_property
    def is_folder(self) -> bool:
        return self.path.is_dir()

    @property
    def config(self) -> Path | None:
        """The LDM .yaml beside the file."""
        beside = self.path.with_suffix(".yaml")
        return beside if beside.is_file() else None

    @property
    def header(self) -> Header | None:
        """Read when it is first asked for; None when the file is damaged, and `problem` then says how."""
        return None if isinstance(self._opened, str) else self._opened

    @property
    def problem(self) -> str:
        """Why it cannot be loaded; "" when it can."""
        return self.description.problem or (self._opened if isinstance(self._opened, str) else "")

    @functools.cached_property
    def _opened(self) -> Header | str:
        try:
            return read_header(self.path)
        except ModelFileError as error:
            return str(error)

    def entry(self, hashes: Hashes) -> Checkpoint:
        """As the catalog shows it."""
        title = f"{self.title_path} [{hashes.autov2}]" if hashes.sha256 else self.title_path
        told = self.description
        size = told.width, told.height
        return Checkpoint(self.name, title, told.family, *size, told.examples, told.problem, told.edits, hashes.known)


def described(path: Path) -> Description:
    """Reads the header."""
    try:
        header = read_header(path)
    except ModelFileError as error:
        return Description(problem=str(error))
    family = family_of(header.shapes)
    if family is None:
        return Description(problem=f"{path}: {kind_of(header.shapes)}")
    width, height = _resolution(header) or family.size
    return Description(family.name, width, height, _examples(header), edits=is_editing(header.shapes))


def to_text(description: Description) -> str:
    """For the index. "" for a file with a problem: it is looked at anew, the next version may know it."""
    return "" if description.problem else json.dumps(asdict(description) | {"knew": _knowledge()})


def from_text(text: str) -> Description | None:
    """None when nobody looked yet, or a version of sdui did that knew other families."""
    try:
        given = json.loads(text)
        if given.pop("knew") != _knowledge():
            return None
        return Description(**given | {"examples": tuple(given["examples"])})
    except (ValueError, TypeError, KeyError):
        return None


def best_match(files: list[CheckpointFile], name: str, hashes: Callable[[CheckpointFile], Hashes]) -> int | None:
    """The place of the file that A1111 takes for `name`; None when there is none.

    A name is a hash, a title with or without hash and ending, a file name with or without ending or hash, a path with
    "_" for "/", and, failing all of these, any part of a title.
    """
    plain = _CHECKSUM.sub("", name)
    digits = _CHECKSUM.search(name)
    tests: tuple[Callable[[CheckpointFile], bool], ...] = (
        lambda file: bool(digits) and plain in _names(file) and is_hash(digits[1], hashes(file).known),
        lambda file: is_hash(digits[1] if digits else name, hashes(file).known),
        lambda file: name in _names(file),
        lambda file: plain in _names(file),
    )
    for test in tests:
        if found := [place for place, file in enumerate(files) if test(file)]:
            return found[-1]
    return _containing(((file.entry(hashes(file)).title for file in files)), name, plain)


def _containing(titles: Iterable[str], *texts: str) -> int | None:
    """The shortest title that has the first of `texts`, else one that has the next."""
    all_titles = list(enumerate(titles))
    for text in texts:
        if text and (found := [(len(title), place) for place, title in all_titles if text in title]):
            return min(found)[1]
    return None


def _names(file: CheckpointFile) -> tuple[str, ...]:
    bare = file.title_path if file.is_folder else file.title_path.rpartition(".")[0]
    return file.title_path, bare, bare.replace("/", "_"), file.path.name, file.name


def _knowledge() -> str:
    return " ".join((__version__, str(len(fields(Description))), *(family.name for family in families())))


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
