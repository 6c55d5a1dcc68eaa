"""`sdui verify FILE...`: draws pictures again from what is in their files and says whether they come out the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import UnidentifiedImageError

from sdui.core import infotext
from sdui.core.errors import LaunchError, SduiError
from sdui.core.events import GeneratedImage, ImageReady, StopToken
from sdui.core.replay import Record, first_difference, whole_batch
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences, read_launch
from sdui.imaging.file_formats import Contents, read
from sdui.imaging.fingerprints import of_picture, of_pixels

Draw = Callable[[GenerationRequest], list[GeneratedImage]]

_USAGE = "FILE... [--init IMAGE] [--mask IMAGE] [start options]"
_PURPOSE = (
    "Draws the pictures in FILE again, from the text and the replay record in them, and compares the pixels. "
    "Ends with 0 if all are equal. Start options such as --models-dir and --device are those of webui.py."
)


class Given(NamedTuple):
    """Files that a picture was started from, as the user names them; b"" is none."""

    init: bytes = b""
    mask: bytes = b""


class Verdict(NamedTuple):
    equal: bool
    text: str


class _CannotTell(Exception):
    """With a sentence for the user."""


def verify(path: Path, draw: Draw, given: Given, model: type[GenerationRequest] = GenerationRequest) -> Verdict:
    """Draw one file's picture again, in a batch as it was, and compare; a fault of the file is a verdict too."""
    try:
        contents = read(path.read_bytes())
        if not contents.infotext:
            raise _CannotTell("there is no infotext in this file, so nothing to draw it from.")
        if contents.record is None:
            raise _CannotTell("there is no replay record in this file; only pictures that sdui saved have one.")
        request = _started(infotext.read(contents.infotext, model), contents.record, given)
        return _compared(contents, contents.record, _drawn(request, contents.record, draw))
    except OSError as error:
        return Verdict(False, f"cannot be read: {error.strerror or error}.")
    except SduiError as error:
        return Verdict(False, f"cannot be drawn here: {error}")
    except _CannotTell as error:
        return Verdict(False, str(error))


def main(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Prints "FILE: equal" or what is different, one line a file; 0 if all are equal, 1 if not, 2 for wrong options."""
    parser = argparse.ArgumentParser("sdui verify", usage=f"%(prog)s {_USAGE}", description=_PURPOSE)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="pictures that sdui saved")
    parser.add_argument("--init", type=Path, metavar="IMAGE", help="the picture that img2img was started from")
    parser.add_argument("--mask", type=Path, metavar="IMAGE", help="the mask of an inpainting")
    if {"-h", "--help"} & set(argv):
        parser.parse_args(["--help"])
    try:
        launch, rest = read_launch(argv, env)
        ignored = read_launch([], env)[1]
        options = parser.parse_args(rest[len(ignored) :])
        given = Given(*(path.read_bytes() if path else b"" for path in (options.init, options.mask)))
        # After --help, which needs none of it.
        from sdui.app import build_engine, build_host

        host, _ = build_host(launch)
        engine, model = build_engine(launch, host), host.request(GenerationRequest, "always", "script")
    except (LaunchError, OSError) as error:
        sys.stderr.write(f"sdui: {error}\n")
        return 2

    def draw(request: GenerationRequest) -> list[GeneratedImage]:
        made: list[GeneratedImage] = []
        engine.run(
            request,
            Preferences(grid_save=False, live_previews_enable=False),
            lambda event: made.append(event.image) if isinstance(event, ImageReady) else None,
            StopToken(),
        )
        return made

    verdicts: list[Verdict] = []
    for path in options.files:
        verdicts.append(verify(path, draw, given, model))
        sys.stdout.write(f"{path}: {verdicts[-1].text}\n")
        sys.stdout.flush()
    return 0 if all(verdict.equal for verdict in verdicts) else 1


def _started(request: GenerationRequest, record: Record, given: Given) -> GenerationRequest:
    """With the pictures that it starts from."""
    if request.init is None:
        return request
    _require("--init", "picture", given.init, record.init_image)
    init = request.init.model_copy(update={"image": given.init})
    if init.inpaint:
        _require("--mask", "mask", given.mask, record.mask)
        init = init.model_copy(update={"inpaint": init.inpaint.model_copy(update={"mask": given.mask})})
    return request.model_copy(update={"init": init})


def _require(option: str, what: str, given: bytes, wanted: str) -> None:
    if not given:
        raise _CannotTell(f"the {what} that it was started from is not in the file; give it with {option} IMAGE.")
    try:
        found = of_picture(given)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _CannotTell(f"{option}: this is no picture that can be read.") from error
    if wanted and found != wanted:
        raise _CannotTell(f"{option} is another {what} than the one that it was started from.")


def _drawn(request: GenerationRequest, record: Record, draw: Draw) -> GeneratedImage:
    images = draw(whole_batch(request, record))
    if not 0 <= record.position < len(images):
        raise _CannotTell("the replay record is damaged: it names a place that its batch does not have.")
    return images[record.position]


def _compared(there: Contents, record: Record, here: GeneratedImage) -> Verdict:
    if there.exact and of_pixels(there.pixels) != record.pixels:
        return Verdict(False, "differs: its pixels were changed after it was drawn")
    if of_pixels(here.pixels) == record.pixels:
        return Verdict(True, "equal")
    if difference := first_difference(record, Record.model_validate(here.conditions)):
        return Verdict(False, f"differs: {difference}")
    if there.pixels.shape != here.pixels.shape:
        return Verdict(False, "differs in size under equal conditions")
    off = np.abs(there.pixels.astype(int) - here.pixels).max(axis=-1)
    count = f"{(off > 0).sum()} of {off.size} pixels, by up to {off.max()} of 255"
    return Verdict(False, f"differs under equal conditions: {count}")
