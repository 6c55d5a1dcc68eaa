"""A request's prompts as they are read: with its styles' words and without comments."""

from __future__ import annotations

from sdui.core.request import GenerationRequest
from sdui.prompt.comments import without_comments
from sdui.prompt.style_files import StyleFiles


class Words:
    def __init__(self, styles: StyleFiles, request: GenerationRequest) -> None:
        """styles: read only where the request has some."""
        self._names = request.styles
        self._styles = styles.read() if request.styles else None
        self._comments = request.text.enable_prompt_comments

    def positive(self, prompt: str) -> str:
        return self._read(self._styles.apply(prompt, self._names) if self._styles else prompt)

    def negative(self, prompt: str) -> str:
        return self._read(self._styles.apply(prompt, self._names, negative=True) if self._styles else prompt)

    def _read(self, prompt: str) -> str:
        return without_comments(prompt) if self._comments else prompt
