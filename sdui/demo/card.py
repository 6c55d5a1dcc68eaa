"""The bundled checkpoint's model card."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from .concepts import BACKGROUNDS, CONCEPTS, TINTS
from .figures import Measured, table
from .sources import PACKAGES

_TEXT = Path(__file__).parent / "assets" / "card.md"


def card(sha256: str, size: int, objects: int, training: Sequence[str], figures: Mapping[str, Measured]) -> str:
    """Markdown. size: of the file, in bytes. training: a line for each part. figures: a column for each."""
    packages = [f"| npm `{one.name}` | {one.version} | {one.licence} | {one.used_for} |" for one in PACKAGES]
    return Template(_TEXT.read_text(encoding="utf-8")).substitute(
        megabytes=f"{size / 1e6:.1f}",
        sha256=sha256,
        objects=_listed("objects", [concept.name for concept in CONCEPTS[:objects]]),
        tints=_listed("colours of objects", TINTS),
        backgrounds=_listed("backgrounds", BACKGROUNDS),
        table=table(figures),
        training="\n".join(training),
        packages="\n".join(packages),
    )


def _listed(what: str, names: Sequence[str]) -> str:
    return textwrap.fill(f"- {what}: {', '.join(names)}", 128, subsequent_indent="  ")
