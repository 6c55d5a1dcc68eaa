"""Runs the bench: one table on the screen, and as JSON into a file when asked."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import psutil

from sdui import __version__

from .rows import Row, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sdui.bench", description="How fast is sdui on this machine?")
    parser.add_argument("--quick", action="store_true", help="without checkpoints of full size")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table to FILE")
    options = parser.parse_args()
    rows: list[Row] = []
    for row in _rows(full=not options.quick):
        print(f"{row.group}: {row.what} = {row.value} {row.unit}", flush=True)  # noqa: T201
        rows.append(row)
    print("\n" + table(rows))  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def _rows(full: bool) -> Iterator[Row]:
    from .api import measure_api
    from .cards import measure_cards
    from .command_line import measure_command_line
    from .history import measure_history
    from .library import measure_library
    from .many_clients import measure_many_clients
    from .page import measure_page
    from .startup import measure_start

    yield from _machine()
    yield from measure_command_line(full)
    yield from measure_start()
    yield from measure_page()
    yield from measure_library()
    yield from measure_cards()
    yield from measure_history()
    yield from measure_many_clients(full)
    yield from measure_api()
    # torch is imported only now: it would slow down, and be counted with, the server that was just measured.
    from .drawing import measure_drawing
    from .loading import measure_loading
    from .merging import measure_merging
    from .switching import measure_switching
    from .tiled import measure_tiled

    yield from measure_drawing(full)
    yield from measure_merging(full)
    yield from measure_tiled()
    if full:
        yield from measure_loading()
        yield from measure_switching()


def _machine() -> Iterator[Row]:
    yield Row("set-up", "sdui", __version__)
    yield Row("set-up", "python", platform.python_version())
    for package in ("torch", "gradio", "diffusers", "transformers"):
        yield Row("set-up", package, version(package))
    yield Row("set-up", "system", platform.platform())
    yield Row("set-up", "cores", os.cpu_count() or 0)
    yield Row("set-up", "memory", psutil.virtual_memory().total / 2**30, "GB")


if __name__ == "__main__":
    main()
