"""A request's prompts as they are read: with its styles' words and without comments."""

from __future__ import annotations

from pathlib import Path

from sdui.core.request import GenerationRequest
from sdui.prompt.comments import without_comments
from sdui.prompt.styles import StyleDatabase


class Words:
    def __init__(self, styles: Path, request: GenerationRequest) -> None:
        """styles: the styles.csv file, read only where the request has styles."""
        self._names = request.styles
        self._styles = StyleDatabase.read([styles]) if request.styles else None
        self._comments = request.text.enable_prompt_comments

    def positive(self, prompt: str) -> str:
        return self._read(self._styles.apply(prompt, self._names) if self._styles else prompt)

    def negative(self, prompt: str) -> str:
        return self._read(self._styles.apply(prompt, self._names, negative=True) if self._styles else prompt)

    def _read(self, prompt: str) -> str:
        return without_comments(prompt) if self._comments else prompt
