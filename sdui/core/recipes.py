"""Recipes as people copy them from web pages and chats, brought back into the infotext's form.

On the way they lose line breaks, spaces and commas, or gain full-width punctuation: "CFGscale：7，Seed：1", everything
on one line, or one pair a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .pairs import split

_WIDE = str.maketrans({"：": ":", "，": ",", "×": "x", "＂": '"'})
_NEGATIVE = re.compile(r"negative\s*prompt\s*[:：]\s*", re.IGNORECASE)
_CANONICAL_NEGATIVE = re.compile(r"^[^\S\n]*+Negative prompt:", re.MULTILINE)
_STEPS = re.compile(r"(?:^|(?<=[\s,，]))steps\s*[:：]\s*\d", re.IGNORECASE)
_CANONICAL = re.compile(r'Steps: \d+, Sampler: ("(?:[^\\"]++|\\.)*+"|[^,]*), (Schedule type|CFG scale): ')
"""How A1111 and we begin the line; full-width signs after this are somebody's own."""
_WELL_FORMED = re.compile(r"\s*Steps: \d+\s*(,[^：，×]*)?")
_ENDS = " \n,，"
_NEXT_PAIR = re.compile(r",\s*\w[\w \-/]*:")


def tidy(text: str, keys: Iterable[str]) -> str:
    """`text` in the infotext's form if it is a recipe, else as it is.

    A recipe has "Steps: N" somewhere; what stands before belongs to the prompts. `keys` are the names of pairs.
    """
    head, _, last = text.strip().rpartition("\n")
    if _CANONICAL.match(last) or _WELL_FORMED.fullmatch(last):
        if _CANONICAL_NEGATIVE.search(head) or not _NEGATIVE.search(head):
            return text
    else:
        start = _STEPS.search(text)
        if start is None:
            return text
        head = text[: start.start()]
        last = ", ".join(f"{key}: {value}" for key, value in _pairs(text[start.start() :].translate(_WIDE), keys))
    prompt, *negative = _NEGATIVE.split(head, maxsplit=1)
    return "\n".join([prompt.strip(_ENDS), *(f"Negative prompt: {part.strip(_ENDS)}" for part in negative), last])


def _pairs(text: str, keys: Iterable[str]) -> list[tuple[str, str]]:
    """Each known key with what follows it up to the next pair, or up to a comma where that pair is unknown."""
    found = list(_known(keys).finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    pairs: list[tuple[str, str]] = []
    for match, end in zip(found, ends, strict=True):
        rest = text[match.end() : end]
        unknown = _NEXT_PAIR.search(rest)
        value = rest[: unknown.start()] if unknown else rest
        pairs.append((match[1], " ".join(value.strip(" \n,").split())))
        if unknown:
            pairs += split(rest[unknown.start() :])
    return pairs


def _known(keys: Iterable[str]) -> re.Pattern[str]:
    """Any of `keys` and its colon, with or without blanks; told apart by the first letter first, for speed."""
    by_first: dict[str, list[str]] = {}
    for key in sorted(keys, key=len, reverse=True):
        first, *rest = (re.escape(letter) for letter in key.casefold() if letter != " ")
        by_first.setdefault(first, []).append("".join(rf"\s*{letter}" for letter in rest))
    any_key = "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in by_first.items())
    return re.compile(rf"(?<!\w)({any_key})\s*:", re.IGNORECASE)
