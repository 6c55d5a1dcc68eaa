"""Styles: named pieces of prompt, kept in A1111's styles.csv.

A file is UTF-8 CSV with the columns name, prompt and negative_prompt; old files call the second one text. Names that
begin with # are comments.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sdui.core.errors import RequestError
from sdui.core.files import write_atomic

PLACE = "{prompt}"
"""Where the user's own prompt goes in a style's text; without it the text is appended."""
_COLUMNS = ("name", "prompt", "negative_prompt")
_LONGEST = 10_000_000
"""Characters. A text with the place twice doubles the prompt each time it is applied."""


@dataclass(frozen=True, slots=True)
class Style:
    name: str
    prompt: str = ""
    negative_prompt: str = ""
    file: Path | None = None
    """Where it was read from; a new style belongs to the file it is first saved in."""


class Extracted(NamedTuple):
    """The styles that two prompts contain, in the order of application, and what the user wrote besides."""

    names: tuple[str, ...]
    prompt: str
    negative_prompt: str


class StyleDatabase:
    """Styles by name, in the order of the files; of two with one name the later counts."""

    def __init__(self, styles: Iterable[Style] = ()) -> None:
        self._styles = {style.name: style for style in styles}

    @classmethod
    def read(cls, paths: Sequence[Path]) -> StyleDatabase:
        """Of all files that exist. Raises RequestError for one that is damaged or cannot be read."""
        return cls(style for path in paths if path.is_file() for style in _read(path))

    @classmethod
    def parse(cls, data: bytes, name: str) -> StyleDatabase:
        """What is in a file of this name, its styles of no file yet. Raises RequestError for a damaged one."""
        return cls(_parse(data, name, None))

    def save(self, path: Path) -> None:
        """Write the styles of this file and the new ones, atomically; comments are not kept. Raises OSError."""
        text = io.StringIO(newline="")
        # All quoted: A1111 and others drop spaces at the beginning of a bare value.
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(_COLUMNS)
        writer.writerows((s.name, s.prompt, s.negative_prompt) for s in self if s.file in (path, None))
        write_atomic(path, text.getvalue().encode("utf-8-sig", errors="replace"))

    def __iter__(self) -> Iterator[Style]:
        return iter(self._styles.values())

    def unknown(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name not in self._styles]

    def get(self, name: str) -> Style | None:
        return self._styles.get(name)

    def names(self) -> list[str]:
        return list(self._styles)

    def apply(self, prompt: str, names: Iterable[str], *, negative: bool = False) -> str:
        """The prompt with the styles' texts around or after it. A name that is not known is an empty style.

        Raises RequestError where styles that repeat the prompt make it too long.
        """
        for name in names:
            style = self._styles.get(name, Style(name))
            text = style.negative_prompt if negative else style.prompt
            if len(text) + text.count(PLACE) * len(prompt) > _LONGEST:
                raise RequestError(f"Styles: {name} makes the prompt too long; apply it less often.")
            prompt = _merged(text, prompt)
        return prompt

    def extract(self, prompt: str, negative_prompt: str) -> Extracted:
        """Undo `apply`, each style at most once; a style that repeats the prompt is not looked for."""
        names: list[str] = []
        candidates = [style for style in self if style.prompt or style.negative_prompt]
        while True:
            for style in candidates:
                rest = _without(style.prompt, prompt)
                negative_rest = None if rest is None else _without(style.negative_prompt, negative_prompt)
                if rest is not None and negative_rest is not None:
                    prompt, negative_prompt = rest, negative_rest
                    names.insert(0, style.name)
                    candidates.remove(style)
                    break
            else:
                return Extracted(tuple(names), prompt, negative_prompt)


def _read(path: Path) -> Iterator[Style]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RequestError(f"Styles: {path} cannot be read: {error}.") from error
    return _parse(data, str(path), path)


def _parse(data: bytes, name: str, path: Path | None) -> Iterator[Style]:
    """name: as messages call it. path: what the styles are of."""
    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), skipinitialspace=True) if row]
    except UnicodeDecodeError as error:
        raise RequestError(f"Styles: {name} is not UTF-8 text; save it as UTF-8.") from error
    except csv.Error as error:
        raise RequestError(f"Styles: {name} cannot be read: {error}.") from error
    if not rows:
        return
    header = [column.strip().lower() for column in rows[0]]
    if "name" not in header:
        raise RequestError(f"Styles: the first line of {name} must name the columns: {','.join(_COLUMNS)}.")
    for row in rows[1:]:
        values = dict(zip(header, row, strict=False))
        called = values.get("name", "")
        if called and not called.startswith("#"):
            prompt = values.get("prompt", values.get("text", ""))
            yield Style(called, prompt, values.get("negative_prompt", ""), path)


def _merged(text: str, prompt: str) -> str:
    if PLACE in text:
        return text.replace(PLACE, prompt)
    return ", ".join(part for part in (prompt.strip(), text.strip()) if part)


def _without(text: str, prompt: str) -> str | None:
    """What was there before `text` was merged in; None where it cannot have been."""
    text, prompt = text.strip(), prompt.strip()
    before, *after = text.split(PLACE)
    if len(after) > 1:
        return None
    if not after:
        return prompt.removesuffix(text).removesuffix(", ") if prompt.endswith(text) else None
    fits = len(before) + len(after[0]) <= len(prompt) and prompt.startswith(before) and prompt.endswith(after[0])
    return prompt[len(before) : len(prompt) - len(after[0])] if fits else None
