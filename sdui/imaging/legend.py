"""A sheet of equal cells with words above its columns and beside its rows, and room between the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .pixels import Pixels

_WHITE, _BLACK, _GREY = (255, 255, 255), (0, 0, 0), (153, 153, 153)
_SMALLEST = 6
"""Pixels of a font."""


@dataclass(frozen=True, slots=True)
class Label:
    text: str = ""
    active: bool = True
    """Otherwise grey and struck through."""


Labels = Sequence[Sequence[Label]]
"""For each column or row, its lines."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of `columns` x `rows` cells."""

    pixels: Pixels
    width: int
    """Of a cell."""
    height: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Legend:
    """A sheet with its words, and where its cells are now."""

    pixels: Pixels
    left: int
    top: int
    margin: int

    def cell(self, sheet: Sheet, column: int, row: int) -> tuple[int, int]:
        """Left and top of a cell."""
        return self.left + (sheet.width + self.margin) * column, self.top + (sheet.height + self.margin) * row


def annotated(sheet: Sheet, above: Labels, beside: Labels, margin: int = 0) -> Legend:
    """above: of each column; beside: of each row; without any words there, no room is left for them."""
    writer = _Writer((sheet.width + sheet.height) // 25)
    left = sheet.width * 3 // 4 if _has_words(beside) else 0
    columns = [writer.wrapped(labels, sheet.width) for labels in above]
    rows = [writer.wrapped(labels, left) for labels in beside]
    top = round(max(map(writer.height, columns))) + writer.spacing * 2 if _has_words(above) else 0
    size = (
        left + sheet.width * sheet.columns + margin * (sheet.columns - 1),
        top + sheet.height * sheet.rows + margin * (sheet.rows - 1),
    )
    canvas = Image.new("RGB", size, _WHITE)
    legend = Legend(np.zeros(0, np.uint8), left, top, margin)
    for row in range(sheet.rows):
        for column in range(sheet.columns):
            box = np.s_[
                row * sheet.height : (row + 1) * sheet.height, column * sheet.width : (column + 1) * sheet.width
            ]
            canvas.paste(Image.fromarray(sheet.pixels[box]), legend.cell(sheet, column, row))
    draw = ImageDraw.Draw(canvas)
    for column, labels in enumerate(columns if top else ()):
        x = legend.cell(sheet, column, 0)[0] + sheet.width / 2
        writer.write(draw, x, (top - writer.height(labels)) / 2, labels, sheet.width)
    for row, labels in enumerate(rows if left else ()):
        y = legend.cell(sheet, 0, row)[1] + (sheet.height - writer.height(labels)) / 2
        writer.write(draw, left / 2, y, labels, left)
    return Legend(np.asarray(canvas), left, top, margin)


def _has_words(labels: Labels) -> bool:
    return any(label.text for lines in labels for label in lines)


class _Writer:
    def __init__(self, size: int) -> None:
        """size: of the font, in pixels; smaller where a word would not fit."""
        self.size = max(size, _SMALLEST)
        self.spacing = self.size // 2
        self._font = _font(self.size)

    def wrapped(self, labels: Sequence[Label], width: int) -> list[Label]:
        """One for each line that is written."""
        return [Label(line, label.active) for label in labels for line in self._lines(label.text, width)]

    def height(self, labels: Sequence[Label]) -> float:
        """Of these lines, in pixels."""
        return sum(self._box(label.text, self._font)[1] + self.spacing for label in labels) - self.spacing

    def write(self, draw: ImageDraw.ImageDraw, x: float, y: float, labels: Sequence[Label], width: int) -> None:
        """Around x, downwards from y."""
        for label in labels:
            font, size = self._font, self.size
            while size > _SMALLEST and self._box(label.text, font)[0] > width:
                size -= 1
                font = _font(size)
            long, high = self._box(label.text, font)
            colour = _BLACK if label.active else _GREY
            draw.text((x, y + high / 2), label.text, font=font, fill=colour, anchor="mm")
            if not label.active:
                draw.line((x - long / 2, y + high / 2, x + long / 2, y + high / 2), fill=colour, width=4)
            y += high + self.spacing

    def _lines(self, text: str, width: int) -> list[str]:
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if self._font.getlength(longer) <= width or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def _box(self, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> tuple[float, float]:
        """Width and height in pixels; an empty line is as high as others."""
        left, top, right, bottom = font.getbbox(text or "X")
        return right - left, bottom - top


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
