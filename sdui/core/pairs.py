"""The infotext's form: lines of prompt, "Negative prompt: ...", one line of "Key: value" pairs; read in linear time.

Values with a comma, colon or line break are JSON strings. This is the form alone; infotext.py knows what it means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PROMPT, NEGATIVE = "Prompt", "Negative prompt"
_NEGATIVE_LINE = f"{NEGATIVE}:"
_LEAST_PAIRS = 3
"""A last line with fewer pairs is part of the prompt (A1111's rule)."""

# Possessive throughout: a run of letters without its colon, or a string without its end, is not looked at twice.
_RUN = re.compile(r"[\w \-/]++")
_VALUE = re.compile(r'\s*+(?:("(?:[^\\"]++|\\.)*+")(?=,|\Z)|([^,]*+)),?')


@dataclass(frozen=True, slots=True)
class Parsed:
    """An infotext taken apart, nothing validated."""

    prompt: str = ""
    negative_prompt: str = ""
    pairs: dict[str, str] = field(default_factory=dict[str, str])


def quote(value: Any) -> str:
    """As it stands, or as a JSON string where a comma, colon or line break would be misread."""
    text = str(value)
    return _json(text) if any(c in text for c in ",\n:") else text


def unquote(text: str) -> str:
    """The reverse of `quote`; anything that is no JSON string is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return str(json.loads(text))
    except json.JSONDecodeError:
        return text


def join(pairs: dict[str, Any]) -> str:
    """One line that `split` takes apart into the same texts."""
    return ", ".join(f"{key}: {_safe(str(value))}" for key, value in pairs.items())


def split(line: str) -> Iterator[tuple[str, str]]:
    """Keys and values as they stand; what is no pair is passed over.

    A key begins with a letter, digit or underscore and has two or more of these, blanks, hyphens and slashes.
    """
    at = 0
    while run := _RUN.search(line, at):
        at, key = run.end(), run[0].lstrip(" -/")
        if len(key) > 1 and line.startswith(":", at) and (value := _VALUE.match(line, at + 1)):
            yield key, value[1] or value[2] or ""
            at = value.end()


def take_apart(text: str) -> tuple[str, str, list[tuple[str, str]]]:
    """The two prompts, and the pairs as they stand; exactly as A1111 does it."""
    *lines, last = text.strip().split("\n")
    pairs = list(split(last))
    if len(pairs) < _LEAST_PAIRS:
        lines, pairs = [*lines, last], []
    prompt: list[str] = []
    negative: list[str] = []
    target = prompt
    for line in (line.strip() for line in lines):
        if line.startswith(_NEGATIVE_LINE):
            target, line = negative, line.removeprefix(_NEGATIVE_LINE).strip()
        if line or target:
            target.append(line)
    return "\n".join(prompt), "\n".join(negative), pairs


def parse(text: str) -> Parsed:
    """Take any text apart; never raises. Without a line of pairs everything is prompt."""
    prompt, negative, raw = take_apart(text)
    pairs = {key.strip(): unquote(value.strip()) for key, value in raw if value.strip()}
    # A pair of its own has the exact words where the lines cannot have them, or the recipe stands on one line.
    return Parsed(pairs.pop(PROMPT, prompt), pairs.pop(NEGATIVE, negative), pairs)


def compose(prompt: str, negative_prompt: str, pairs: dict[str, Any]) -> str:
    negative = f"\n{_NEGATIVE_LINE} {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{join(pairs)}".strip()


def is_key(text: str) -> bool:
    """Whether `split` finds it again."""
    return re.fullmatch(r"\w[\w \-/]*[\w\-/]", text) is not None


def squeezed(key: str) -> str:
    """Recipes copied from web pages lose spaces and capitals: "CFGscale", "Modelhash"."""
    return key.replace(" ", "").casefold()


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _safe(text: str) -> str:
    """Quoted also where A1111 would not, but then misreads: outer blanks, a quotation mark in front, nothing at all."""
    return _json(text) if not text or text != text.strip() or text[0] == '"' else quote(text)
