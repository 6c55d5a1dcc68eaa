"""What the index keeps of one saved picture, read from its file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdui.core import infotext
from sdui.core.errors import RequestError
from sdui.imaging.file_formats import Glance, glance
from sdui.prompt.extra_networks import parse_extra_networks

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
"""Of files that are pictures, in lower case."""
_LORAS = ("lora", "lyco")

Version = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Of one version of one file; the texts are "" where the file does not tell."""

    name: str
    """Its path in the data folder with "/"; absolute when it is elsewhere."""
    version: Version
    width: int = 0
    height: int = 0
    """Pixels; 0 where the file is damaged."""
    seed: int | None = None
    prompt: str = ""
    """Without its <tags>."""
    negative: str = ""
    model: str = ""
    """Name and hash."""
    loras: str = ""
    """Their names, a line each."""
    sampler: str = ""
    """With its schedule."""

    @property
    def id(self) -> int:
        return id_of(self.name, self.version)


def id_of(name: str, version: Version) -> int:
    """A number of 63 bits. It never comes to mean another picture, whatever becomes of the index."""
    digest = hashlib.blake2b(f"{version[0]} {version[1]} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def version_of(path: Path) -> Version:
    """Of the file itself, not of what a link leads to. Raises OSError."""
    stat = path.lstat()
    return stat.st_size, stat.st_mtime_ns


def read_entry(path: Path, name: str) -> Entry:
    """A damaged file is an entry without texts. Raises OSError for one that cannot be read."""
    version = version_of(path)
    seen = Glance("", 0, 0)
    with suppress(RequestError):
        seen = glance(path)
    parsed = infotext.parse(seen.infotext.encode(errors="replace").decode().replace("\0", " "))
    prompt, tags = parse_extra_networks(parsed.prompt)
    names = [tag.positional[0] for tag in tags if tag.kind in _LORAS and tag.positional]
    pairs = parsed.pairs
    return Entry(
        name,
        version,
        seen.width,
        seen.height,
        _seed(pairs.get("Seed", "")),
        prompt.strip(),
        parsed.negative_prompt,
        _joined(pairs, ("Model", "Model hash")),
        "\n".join(dict.fromkeys(names)),
        _joined(pairs, ("Sampler", "Schedule type")),
    )


def _joined(pairs: dict[str, str], keys: Iterable[str]) -> str:
    return " ".join(pairs[key] for key in keys if key in pairs)


def _seed(text: str) -> int | None:
    """SQLite's numbers have 64 bits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
