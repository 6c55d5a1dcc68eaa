"""The extensions that come with sdui, added by the same door as a user's own, and in this order."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence

from sdui.extensions.host import Host
from sdui.extensions.loader import Part

NAMES: tuple[str, ...] = ()
"""Packages of this folder; each has params.py, engine.py or both."""


def add_all(host: Host, parts: Sequence[Part]) -> None:
    for name in NAMES:
        for part in parts:
            module = f"{__package__}.{name}.{part}"
            if importlib.util.find_spec(module):
                host.add(importlib.import_module(module), f"{name}/{part}.py")
