"""Small pieces of HTML; every text that came from outside is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from sdui.core import infotext
from sdui.core.events import ImageSaved, PictureSaved
from sdui.imaging.replaying import Comparison
from sdui.jobs.job import View


def progress(view: View, ahead: int) -> str:
    """A progress bar with its words; "" when the job has ended. `ahead` = jobs that run before this one."""
    return "" if view.ended else _bar(*how_far(view, ahead))


def how_far(view: View, ahead: int) -> tuple[int, str, str]:
    """Percent, what a job that has not ended does, and how long it will."""
    if view.state == "queued":
        waiting = "next in line" if ahead == 0 else f"{ahead} more before it"
        return 0, f"Waiting for the running job, {waiting}", ""
    now = view.progress
    if now is None:
        return 0, "Starting", ""
    step = f" {now.step}/{now.steps}" if now.steps else ""
    left = "" if now.eta is None else f", {_duration(now.eta)} left"
    percent = int(100 * min(max(now.done, 0.0), 1.0))
    return percent, f"{now.stage}{step}", f"{percent}%{left}"


def waiting(words: str) -> str:
    """In place of the progress bar until the job has answered."""
    return _bar(0, words, "")


def preview(jpeg: bytes | None) -> str:
    if not jpeg:
        return ""
    return f'<img alt="Live preview" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'


def messages(notices: Iterable[str], error: str = "") -> str:
    """Readable lines; errors stand out and are announced to screen readers."""
    lines = [f'<p class="notice">{_lines(text)}</p>' for text in notices]
    if error:
        lines.append(f'<p class="error" role="alert">{_lines(error)}</p>')
    return "".join(lines)


def described(image: ImageSaved | PictureSaved) -> str:
    """A picture's infotext as it stands under it."""
    return summary(image.infotext, grid=isinstance(image, ImageSaved) and bool(image.cells))


def summary(text: str, *, grid: bool = False) -> str:
    """An infotext as it stands under a picture. grid: one whose cells can be clicked."""
    parsed = infotext.parse(text)
    parts = [f'<p class="prompt">{_lines(parsed.prompt)}</p>'] if parsed.prompt else []
    if parsed.negative_prompt:
        parts.append(f'<p class="negative"><b>Negative prompt:</b> {_lines(parsed.negative_prompt)}</p>')
    pairs = (f"<span><b>{escape(key)}:</b> {escape(value)}</span>" for key, value in parsed.pairs.items())
    if grid:
        parts.insert(0, '<p class="quiet" data-grid>Click a cell of the picture to see its parameters.</p>')
    return "".join([*parts, f'<p class="pairs">{" ".join(pairs)}</p>' if parsed.pairs else ""])


def table(text: str) -> str:
    """An infotext as rows of name and value."""
    parsed = infotext.parse(text)
    rows = {"Prompt": parsed.prompt, "Negative prompt": parsed.negative_prompt} | parsed.pairs
    cells = (f"<dt>{escape(key)}</dt><dd>{_lines(value)}</dd>" for key, value in rows.items() if value)
    return f'<dl class="parameters">{"".join(cells)}</dl>'


def enlarged(before: tuple[int, int], after: tuple[int, int]) -> str:
    """Two sizes, width and height in pixels."""
    return "from <b>{}x{}</b> to <b>{}x{}</b>".format(*before, *after)


def folded(title: str, texts: dict[str, str]) -> str:
    """Texts by name, behind a line that opens them; "" when there are none."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_lines(text)}</dd>" for name, text in texts.items())
    return f'<details><summary>{escape(title)}</summary><dl class="parameters">{rows}</dl></details>' if rows else ""


def comparison(found: Comparison) -> str:
    """Whether a picture came out the same again, how far it is off, and what is not as it was."""
    kind = "equal" if found.equal else "differs"
    parts = [f'<p class="verdict {kind}" role="status">{escape(found.text[:1].upper() + found.text[1:])}</p>']
    if off := found.off:
        lossy = " The file's format changed them when it was saved." if found.equal and off.pixels else ""
        words = f"{off.pixels} of {off.of} pixels differ; the largest difference is {off.largest} of 255."
        parts.append(f"<p>{words}{lossy}</p>")
    if found.differences:
        rows = "".join(
            f"<tr><th>{escape(one.condition)}</th><td>{escape(one.there)}</td><td>{escape(one.here)}</td></tr>"
            for one in found.differences
        )
        parts.append(f"<table><tr><th>Condition</th><th>When it was made</th><th>Here</th></tr>{rows}</table>")
    elif found.differences is not None:
        parts.append("<p>All recorded conditions are the same here.</p>")
    return "".join(parts)


def differences(rows: Iterable[tuple[str, str, str]], old: str, new: str) -> str:
    """A table of names with two values each; `old` and `new` stand above them."""
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in ("", old, new))
    cells = (
        f'<tr><th scope="row">{escape(name)}</th><td>{_lines(before)}</td><td>{_lines(after)}</td></tr>'
        for name, before, after in rows
    )
    return f'<table class="differences"><thead><tr>{heads}</tr></thead><tbody>{"".join(cells)}</tbody></table>'


def press(button: str, value: str, label: str, *, asks: str = "", answer: str = "") -> str:
    """A button that presses the hidden one of this element id with a value (settings.js).

    asks: a question to be confirmed first; answer: what stands in a field below it, whose text is handed over too.
    """
    extra = f' data-asks="{escape(asks)}"' if asks else ""
    extra += f' data-answer="{escape(answer)}"' if answer else ""
    told = f'data-press="{escape(button)}" data-value="{escape(value)}"{extra}'
    return f'<button type="button" {told}>{escape(label)}</button>'


def versions(given: dict[str, str]) -> str:
    return " <i>·</i> ".join(f"{escape(name)}: {escape(value)}" for name, value in given.items())


def _bar(percent: int, left: str, right: str) -> str:
    return (
        f'<div class="progress" role="progressbar" aria-label="{escape(left)}" aria-valuenow="{percent}" '
        f'aria-valuemin="0" aria-valuemax="100"><div class="bar" style="transform:scaleX({percent / 100})"></div>'
        f"<span>{escape(left)}</span><span>{escape(right)}</span></div>"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
