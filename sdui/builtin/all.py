"""The extensions that come with sdui: the packages of this folder, added by the same door as a user's own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence

import sdui.builtin
from sdui.extensions.host import Host
from sdui.extensions.loader import Part


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(sdui.builtin.__path__) if module.ispkg)


_CODE = "custom_code"


def add_all(host: Host, parts: Sequence[Part], *, allow_code: bool = False) -> None:
    """allow_code: with the script that runs Python from the page."""
    for name in names():
        if name == _CODE and not allow_code:
            continue
        for part in parts:
            module = f"sdui.builtin.{name}.{part}"
            if importlib.util.find_spec(module):
                host.add(importlib.import_module(module), f"{name}/{part}.py")
