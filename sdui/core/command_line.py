"""Options of the command line, made from declared parameters."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_origin

from .errors import LaunchError
from .groups import PREFIX
from .params import Params, declared

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def add_options(
    parser: argparse.ArgumentParser,
    model: type[Params],
    spellings: Mapping[str, tuple[str, ...]] = _NOTHING,
    defaults: Mapping[str, Any] = _NOTHING,
) -> None:
    """One for every parameter, "--like-this", its value a text to be validated with the model; extensions' last.

    What is not given stays out of the result when the parser's argument_default is SUPPRESS.
    By path: further spellings, and defaults other than the model's, for the help alone.
    """
    for d in sorted(declared(model), key=lambda d: d.path.startswith(PREFIX)):
        held = defaults.get(d.path, d.field.default)
        default = "" if held in (None, "", False, True, ()) else f" (default: {held})"
        choices = f" One of: {', '.join(d.param.choices)}." if isinstance(d.param.choices, tuple) else ""
        how: dict[str, Any] = {"metavar": d.path.upper()}
        if d.field.annotation is bool:
            how = {"action": argparse.BooleanOptionalAction if d.field.default else "store_true"}
        elif get_origin(d.field.annotation) is tuple:
            how["action"] = "append"
        text = f"{d.param.help or d.param.label + '.'}{choices}{default}".replace("%", "%%")
        names = ("--" + d.path.replace("_", "-"), *spellings.get(d.path, ()))
        parser.add_argument(*names, dest=d.path, help=text, **how)


def split_line(line: str) -> list[str]:
    """As the shell would; on Windows a backslash separates folders and quotes nothing."""
    try:
        return shlex.split(line.replace("\\", "\\\\") if os.name == "nt" else line)
    except ValueError as error:
        raise LaunchError(f"COMMANDLINE_ARGS cannot be read, {error}: {line}") from error
