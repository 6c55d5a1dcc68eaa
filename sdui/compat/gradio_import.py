"""Imports gradio without the type stubs that it writes for itself, which take it as long as everything else."""

from __future__ import annotations

import importlib
import inspect
from typing import Any


def import_gradio() -> None:
    """Call it before anything else imports gradio, and while no other thread asks `inspect` for gradio's files.

    Gradio parses the source of each of its components at every import, to write a .pyi file that nothing reads at run
    time, and does without where the source cannot be found (gradio.component_meta, 6.31).
    """
    really = inspect.getfile

    def getfile(asked: Any) -> str:
        if isinstance(asked, type) and asked.__module__.startswith("gradio."):
            raise OSError("not looked for")
        return really(asked)

    inspect.getfile = getfile
    try:
        importlib.import_module("gradio")
    finally:
        inspect.getfile = really
