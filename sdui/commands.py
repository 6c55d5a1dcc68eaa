"""The commands beside the server: which there are, and how they are started."""

from __future__ import annotations

import os
import sys
from importlib import import_module

COMMANDS = ("generate", "verify", "merge")
"""Each is the function `main(argv, env)` of the module or package of its name; it returns the exit status."""


def run(command: str, arguments: list[str]) -> int:
    """Only the chosen command's module is imported."""
    return import_module(f"sdui.{command}").main(arguments, os.environ)


def console() -> None:
    """The installed program `sdui`."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        raise SystemExit(f"usage: sdui {{{','.join(COMMANDS)}}} ...; each explains itself with --help.")
    raise SystemExit(run(sys.argv[1], sys.argv[2:]))
