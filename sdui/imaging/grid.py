"""The contact sheet of a job's pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def rows_for(count: int, n_rows: int, batch_size: int) -> int:
    """Rows of a grid of `count` pictures (at least 1), 1..count.

    `n_rows` is the preference: above 0 it is taken, 0 means the batch size, -1 as square as possible.
    """
    if n_rows > 0:
        rows = n_rows
    elif n_rows == 0:
        rows = batch_size
    else:
        rows = round(math.sqrt(count))
    return min(rows, count)


def grid(images: Sequence[NDArray[np.uint8]], rows: int) -> NDArray[np.uint8]:
    """Pictures [height, width, 3] of any sizes, row by row, each in the middle of its cell, on black.

    A cell is as wide and as high as the widest and the highest picture.
    """
    columns = math.ceil(len(images) / rows)
    height, width = (max(image.shape[side] for image in images) for side in (0, 1))
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, image in enumerate(images):
        high, wide, _ = image.shape
        top = index // columns * height + (height - high) // 2
        left = index % columns * width + (width - wide) // 2
        sheet[top : top + high, left : left + wide] = image
    return sheet
