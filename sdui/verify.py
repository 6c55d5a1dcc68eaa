"""`sdui verify FILE...`: draws pictures again from what is in their files and says whether they come out the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sdui.core.errors import LaunchError, RequestError, SduiError
from sdui.core.events import GeneratedImage, ImageReady, StopToken
from sdui.core.launch import read_launch
from sdui.core.replay import Record
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.imaging.replaying import Source, Sources, compared, prepared

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


def verify(path: Path, draw: Draw, given: Given, model: type[GenerationRequest] = GenerationRequest) -> Verdict:
    """Draw one file's picture again, in a batch as it was, and compare; a fault of the file is a verdict too."""
    try:
        sources = Sources(Source("--init", given.init), Source("--mask", given.mask))
        replay = prepared(path.read_bytes(), sources, model)
    except OSError as error:
        return Verdict(False, f"cannot be read: {error.strerror or error}.")
    except RequestError as error:
        return Verdict(False, str(error))
    if replay.there.record is None:
        return Verdict(False, "there is no replay record in this file; only pictures that sdui saved have one.")
    try:
        images = [image for image in draw(replay.request) if image.kind == "image"]
    except SduiError as error:
        return Verdict(False, f"cannot be drawn here: {error}")
    if not 0 <= replay.position < len(images):
        return Verdict(False, "the replay record is damaged: it names a place that its batch does not have.")
    image = images[replay.position]
    found = compared(replay, image.pixels, Record.model_validate(image.conditions))
    return Verdict(found.equal, found.text)


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
