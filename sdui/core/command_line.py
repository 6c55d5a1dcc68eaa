"""Options of the command line, made from declared parameters."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import Any, get_origin

from .errors import LaunchError
from .params import Params, declared


def add_options(parser: argparse.ArgumentParser, model: type[Params]) -> None:
    """One for every parameter, "--like-this", its value a text to be validated with the model.

    What is not given stays out of the result when the parser's argument_default is SUPPRESS.
    """
    for d in declared(model):
        default = "" if d.field.default in (None, "", False, True, ()) else f" (default: {d.field.default})"
        choices = f" One of: {', '.join(d.param.choices)}." if isinstance(d.param.choices, tuple) else ""
        how: dict[str, Any] = {"metavar": d.path.upper()}
        if d.field.annotation is bool:
            how = {"action": argparse.BooleanOptionalAction if d.field.default else "store_true"}
        elif get_origin(d.field.annotation) is tuple:
            how["action"] = "append"
        text = f"{d.param.help or d.param.label + '.'}{choices}{default}".replace("%", "%%")
        parser.add_argument("--" + d.path.replace("_", "-"), dest=d.path, help=text, **how)


def split_line(line: str) -> list[str]:
    """As the shell would; on Windows a backslash separates folders and quotes nothing."""
    try:
        return shlex.split(line.replace("\\", "\\\\") if os.name == "nt" else line)
    except ValueError as error:
        raise LaunchError(f"COMMANDLINE_ARGS cannot be read, {error}: {line}") from error
