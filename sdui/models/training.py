"""What a network's metadata says of its training: tags, the kind of checkpoint, a cover; kept in the index as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sdui.core.networks import SD_VERSIONS, mapping

from .metadata import cover_of, whole

_FORM = "1 "
"""How the text begins; a text of another form is made anew."""
_TAGS = 40
"""Those that the search finds; training pictures may have thousands."""


@dataclass(frozen=True, slots=True)
class Training:
    tags: tuple[str, ...] = ()
    """The most frequent ones."""
    version: str = ""
    """One of SD_VERSIONS; "" when it is not said."""
    cover: bool = False
    """Whether a picture is in the file."""


def training_of(texts: Mapping[str, str]) -> Training:
    """texts: with pictures."""
    return Training(tuple(tags_of(texts))[:_TAGS], _version(texts), bool(cover_of(texts)))


def to_text(training: Training) -> str:
    return _FORM + json.dumps(asdict(training))


def from_text(text: str) -> Training:
    """An empty one for a text of another form."""
    if not is_current(text):
        return Training()
    given = mapping(json.loads(text.removeprefix(_FORM)))
    return Training(tuple(given["tags"]), given["version"], given["cover"])


def is_current(text: str) -> bool:
    return text.startswith(_FORM)


def tags_of(metadata: Mapping[str, str]) -> dict[str, int]:
    """kohya's counts, {"10_cats": {"cat": 12}}, over all folders, the most frequent first."""
    try:
        given: Any = json.loads(metadata.get("ss_tag_frequency", "{}"))
    except (ValueError, RecursionError):
        return {}
    counted: Counter[str] = Counter()
    for folder in mapping(given).values():
        counted.update({whole(tag.strip()): count for tag, count in mapping(folder).items() if isinstance(count, int)})
    return dict(counted.most_common())


def _version(texts: Mapping[str, str]) -> str:
    """A1111's rule, but that a file of another trainer says nothing."""
    if texts.get("ss_base_model_version", "").startswith("sdxl_"):
        return "SDXL"
    if texts.get("ss_v2") == "True":
        return "SD2"
    if any(name.startswith("ss_") for name in texts):
        return "SD1"
    architecture = texts.get("modelspec.architecture", "")
    begins = dict(zip(("stable-diffusion-v1", "stable-diffusion-v2", "stable-diffusion-xl"), SD_VERSIONS, strict=True))
    return next((version for start, version in begins.items() if architecture.startswith(start)), "")
