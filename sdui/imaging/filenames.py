"""A1111's pattern language for file and folder names, and what makes a name legal on every system."""

from __future__ import annotations

import hashlib
import re
import string
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sdui.core.request import GenerationRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TAG = re.compile(r"\[([^\[\]]+)\]")
_ARGUMENTS = re.compile(r"((?:<[^>]*>)*)$")
_DATETIME = "%Y%m%d%H%M%S"
# A backslash does not end a word.
_BETWEEN_WORDS = re.compile(rf"[\s{re.escape(string.punctuation.replace(chr(92), ''))}]+")
_PART_LENGTH = 128
"""Characters of one tag's text (A1111's --filenames-max-length)."""
_TAG_ILLEGAL = str.maketrans(dict.fromkeys('#<>:"/\\|?*\n\r\t', "_"))

_PATH_ILLEGAL = re.compile(r'[<>:"|?*\x00-\x1f\x7f\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_MOST_BYTES = 230
"""UTF-8 bytes of a path component: file systems take 255, a number and an extension are added."""
_MOST_COMPONENTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class NameFacts:
    """What the tags stand for: one finished picture and its place in its batch."""

    request: GenerationRequest
    time: datetime
    """When the picture was finished, in the zone in which dates are written."""
    pixels: NDArray[np.uint8] | None = None
    """[height, width, 3]; None when a name is not about one picture."""
    prompt_words: int = 8
    """How many words [prompt_words] keeps."""
    basename: str = ""
    batch_size: int = 1
    batch_number: int | None = None
    """From 1 within its batch; None outside a batch."""
    generation_number: int | None = None
    """From 1 within its job; None when the job makes one picture."""
    seeds: tuple[int, ...] = ()
    """Of all pictures of the job; needed when `batch_size` is above 1."""


def expand(pattern: str, facts: NameFacts) -> str:
    """`pattern` with its [tags] replaced; unknown tags and wrong arguments stay as typed.

    A tag without a value in this job, such as [batch_number] of a single picture, goes away together with the text
    between it and the tag before. The result may hold "/": `relative_path` makes a path of it.
    """
    result, at = "", 0
    for match in _TAG.finditer(pattern):
        before, at = pattern[at : match.start()], match.end()
        try:
            value = _value(match[1], facts)
        except (KeyError, ValueError):
            result += before + match[0]
            continue
        if value is not None:
            result += before + value
    return result + pattern[at:]


def sanitize(text: str, spaces: bool = False) -> str:
    """`text` as a piece of one file name, at most 128 characters. `spaces` keeps spaces, else they become "_"."""
    if not spaces:
        text = text.replace(" ", "_")
    return text.translate(_TAG_ILLEGAL).lstrip(" ")[:_PART_LENGTH].rstrip(" .")


def relative_path(text: str) -> Path:
    """A legal path that stays below the folder it is joined to, from any text; empty when nothing is left."""
    parts = (_component(part) for part in re.split(r"[/\\]", text))
    return Path(*[part for part in parts if part][:_MOST_COMPONENTS])


def _component(text: str) -> str:
    """Without what Windows, macOS or Linux refuse, and never ".", ".." or a device name such as "con"."""
    text = _PATH_ILLEGAL.sub("_", text).lstrip(" ")
    text = text.encode()[:_MOST_BYTES].decode(errors="ignore").rstrip(" .")
    return f"_{text}" if _RESERVED.match(text) else text


def _value(tag: str, facts: NameFacts) -> str | None:
    """KeyError for an unknown tag, ValueError for an argument that cannot be used."""
    arguments = _ARGUMENTS.search(tag)
    typed = arguments[1] if arguments else ""
    name = tag.removesuffix(typed).lower()
    return _TAGS[name](facts, re.findall(r"<([^>]*)>", typed))


def _plain(value: Callable[[NameFacts], object]) -> Callable[[NameFacts, list[str]], str | None]:
    """A tag without arguments; None = no value in this job."""

    def read(facts: NameFacts, arguments: list[str]) -> str | None:
        found = value(facts)
        return None if found is None else str(found)

    return read


def _hash(
    data: Callable[[NameFacts], bytes], default_length: int | None
) -> Callable[[NameFacts, list[str]], str | None]:
    """SHA-256; the argument is how many hexadecimal digits."""

    def read(facts: NameFacts, arguments: list[str]) -> str | None:
        length = int(arguments[0]) if arguments and arguments[0] else default_length
        return hashlib.sha256(data(facts)).hexdigest()[:length]

    return read


def _datetime(facts: NameFacts, arguments: list[str]) -> str | None:
    form = arguments[0] if arguments and arguments[0] else _DATETIME
    time = facts.time
    if len(arguments) > 1:
        try:
            time = time.astimezone(zoneinfo.ZoneInfo(arguments[1]))
        except (KeyError, ValueError, OSError):
            time = facts.time
    try:
        text = time.strftime(form)
    except ValueError:
        text = time.strftime(_DATETIME)
    return sanitize(text, spaces=True)


def _has_prompt(facts: NameFacts, arguments: list[str]) -> str | None:
    """<word|else>: the word if the prompt has it, else the other text; any number of arguments."""
    prompt = facts.request.prompt.lower()
    found = ""
    for argument in arguments:
        expected, _, default = argument.partition("|")
        expected = expected.lower()
        found += expected if expected in prompt else default.partition("|")[0]
    return sanitize(found)


def _prompt_words(facts: NameFacts) -> str:
    words = [word for word in _BETWEEN_WORDS.split(facts.request.prompt) if word]
    return sanitize(" ".join(words[: facts.prompt_words] or ["empty"]), spaces=True)


def _size(facts: NameFacts) -> tuple[int, int]:
    """Height and width; the pixels' own, which a later stage may have enlarged."""
    if facts.pixels is None:
        return facts.request.height, facts.request.width
    return facts.pixels.shape[0], facts.pixels.shape[1]


def _pixel_bytes(facts: NameFacts) -> bytes:
    if facts.pixels is None:
        raise ValueError("no picture")
    return facts.pixels.tobytes()


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")


_TAGS: dict[str, Callable[[NameFacts, list[str]], str | None]] = {
    "basename": _plain(lambda f: f.basename),
    "none": _plain(lambda f: ""),
    "seed": _plain(lambda f: f.request.seed),
    "seed_first": _plain(lambda f: f.seeds[0] if f.batch_size > 1 and f.seeds else f.request.seed),
    "seed_last": _plain(lambda f: f.seeds[-1] if f.batch_size > 1 and f.seeds else None),
    "steps": _plain(lambda f: f.request.steps),
    "cfg": _plain(lambda f: f"{f.request.cfg_scale:.6g}"),
    "width": _plain(lambda f: _size(f)[1]),
    "height": _plain(lambda f: _size(f)[0]),
    "sampler": _plain(lambda f: sanitize(f.request.sampler, spaces=True)),
    "scheduler": _plain(lambda f: sanitize(f.request.schedule, spaces=True)),
    "sampler_scheduler": _plain(lambda f: sanitize(f"{f.request.sampler} {f.request.schedule}", spaces=True)),
    "clip_skip": _plain(lambda f: f.request.clip_skip),
    "model_hash": _plain(lambda f: sanitize(f.request.model_hash)),
    "model_name": _plain(lambda f: sanitize(f.request.model, spaces=True)),
    # Of stages that this picture did not go through, A1111 says:
    "styles": _plain(lambda f: "None"),
    "denoising": _plain(lambda f: None),
    "vae_filename": _plain(lambda f: "NoneType"),
    "date": _plain(lambda f: f.time.strftime("%Y-%m-%d")),
    "datetime": _datetime,
    "job_timestamp": _plain(lambda f: f.time.strftime(_DATETIME)),
    "prompt": _plain(lambda f: sanitize(f.request.prompt)),
    "prompt_no_styles": _plain(lambda f: sanitize(f.request.prompt, spaces=True)),
    "prompt_spaces": _plain(lambda f: sanitize(f.request.prompt, spaces=True)),
    "prompt_words": _plain(_prompt_words),
    "prompt_hash": _hash(lambda f: _encoded(f.request.prompt), 8),
    "negative_prompt_hash": _hash(lambda f: _encoded(f.request.negative_prompt), 8),
    "full_prompt_hash": _hash(lambda f: _encoded(f"{f.request.prompt} {f.request.negative_prompt}"), 8),
    "image_hash": _hash(_pixel_bytes, None),
    "hasprompt": _has_prompt,
    "batch_size": _plain(lambda f: f.batch_size),
    "batch_number": _plain(lambda f: f.batch_number if f.batch_size > 1 else None),
    "generation_number": _plain(lambda f: f.generation_number),
}
