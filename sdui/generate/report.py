"""What the user sees: paths on stdout, and on stderr a bar, or a line a picture where nobody watches."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from sdui.core.events import Event, ImageSaved, Notice, Progress

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


class Report:
    def __init__(self, lines: int, pictures: int) -> None:
        """How many are expected."""
        watched = sys.stderr.isatty()
        self._bar = tqdm(total=lines, bar_format=_BAR, leave=False, dynamic_ncols=True) if watched else None
        self._expected, self._made, self._line = pictures, 0, 0
        self._begun = time.monotonic()

    def __call__(self, event: Event) -> None:
        match event:
            case Progress(stage=stage, done=done):
                self._move(stage, done)
            case Notice(text=text):
                self.say(text)
            case ImageSaved(path=path, kind="image" | "grid" as kind):
                self._print(path)
                if kind == "image":
                    self._count()
            case _:
                pass

    def say(self, text: str) -> None:
        """One message."""
        if self._bar is not None:
            self._bar.clear()
        sys.stderr.write(f"sdui: {text}\n")
        sys.stderr.flush()

    def line_done(self) -> None:
        self._line += 1

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _move(self, stage: str, done: float) -> None:
        if self._bar is not None:
            self._bar.set_description_str(f"{stage}, picture {self._made + 1} of {self._expected}", refresh=False)
            self._bar.update(self._line + done - self._bar.n)

    def _print(self, path: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()

    def _count(self) -> None:
        self._made += 1
        now = time.monotonic()
        if self._bar is None:
            self.say(f"picture {self._made} of {self._expected}, {now - self._begun:.1f} s")
        self._begun = now
