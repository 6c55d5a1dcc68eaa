"""`python -m sdui.demo.publish FILE`: bundles FILE, and renews all that depends on which checkpoint is bundled."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from sdui.core.errors import SduiError
from sdui.models.hashes import sha256_of

from .card import card
from .concepts import FEW
from .evaluate import BUNDLED, DATA, ideal, measured
from .scenes import Stage
from .sheet import draw_sheet
from .single_file import training_of
from .sprites import sprites

SHEET = Path(__file__).parents[2] / "docs" / "demo-sheet.png"
_MOST = 48_000_000
"""Bytes: what a clone of the repository can bear."""


def publish(file: Path, data: Path, objects: int) -> None:
    """Raises SduiError when it is no checkpoint, or larger than it may be."""
    size = file.stat().st_size
    if size > _MOST:
        raise SduiError(f"{file} has {size:,} bytes; at most {_MOST:,} can be bundled.")
    figures = {"this file": measured(file, data), "the data's own pictures": ideal(data)}
    if sha256_of(file) != sha256_of(BUNDLED):
        figures = {f"{sha256_of(BUNDLED)[:10]}, which it replaced": measured(BUNDLED, data), **figures}
    text = card(sha256_of(file), size, objects, training_of(file), figures)
    part = BUNDLED.with_suffix(".part")
    shutil.copyfile(file, part)
    part.replace(BUNDLED)
    BUNDLED.with_suffix(".md").write_text(text, encoding="utf-8")
    draw_sheet(BUNDLED, Stage(sprites(data)), SHEET)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sdui.demo.publish", description=__doc__)
    parser.add_argument("file", type=Path, help="the checkpoint that is to be bundled")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of packages and measurements")
    parser.add_argument("--objects", type=int, default=FEW, help="how many of the concepts it has learned")
    options = parser.parse_args()
    try:
        publish(options.file, options.data, options.objects)
    except (SduiError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
