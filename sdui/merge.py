"""`sdui merge A B`: makes a new checkpoint of others, as the Checkpoint Merger tab does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sdui.core.command_line import add_options
from sdui.core.errors import SduiError
from sdui.core.events import Event, ModelSaved, Notice, Progress, StopToken
from sdui.core.launch import read_launch
from sdui.core.merging import MergeRequest
from sdui.core.params import explain

_PURPOSE = (
    "Makes a new checkpoint and prints its path and SHA-256. Models are named as in the interface, by the first digits "
    "of their hash, or by the path of a file. Ends with 0 if it was written. Start options such as --data-dir, which "
    "say where models are, are those of webui.py."
)
_MODELS = ("primary", "secondary", "tertiary")


def main(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """0 when the checkpoint was written, 1 when it was not, 2 for wrong options, 130 when the user stopped it."""
    parser = argparse.ArgumentParser(
        "sdui merge", description=_PURPOSE, argument_default=argparse.SUPPRESS, allow_abbrev=False
    )
    parser.add_argument("models", nargs="*", default=[], metavar="MODEL", help="A, B and C, in this order")
    add_options(parser, MergeRequest)
    if {"-h", "--help"} & set(argv):
        parser.parse_args(["--help"])
    try:
        launch, rest = read_launch(argv, env)
        ignored = read_launch([], env)[1]
        given: dict[str, Any] = vars(parser.parse_intermixed_args(rest[len(ignored) :]))
        names: list[str] = given.pop("models")
        free = [field for field in _MODELS if field not in given]
        if len(names) > len(free):
            parser.error("at most three models can be merged")
        request = MergeRequest.model_validate(dict(zip(free, names, strict=False)) | given)
        # After --help and wrong options, which need none of it.
        from sdui.models.files import ModelFiles
        from sdui.models.merging import merge

        files = ModelFiles(launch.model_folders(), launch.folder("cache"))
        merge(request, files, _Printer(), StopToken(), any_path=True)
    except ValidationError as error:
        sys.stderr.write(f"sdui: {explain(error, MergeRequest)}\n")
        return 1
    except SduiError as error:
        sys.stderr.write(f"sdui: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nsdui: stopped, nothing was written.\n")
        return 130
    return 0


class _Printer:
    """Prints every stage, and a running one at every tenth of its way."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, event: Event) -> None:
        match event:
            case Progress(stage=stage, done=done):
                now = stage, int(done * 10)
                if now != self._last:
                    self._last = now
                    sys.stderr.write(f"{stage}: {now[1] * 10} %\n" if done else f"{stage}\n")
            case Notice(text=text):
                sys.stderr.write(f"{text}\n")
            case ModelSaved(path=path, sha256=sha256):
                sys.stdout.write(f"{path}\nSHA-256: {sha256}\n")
            case _:
                pass
