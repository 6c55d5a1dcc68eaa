"""What the command line of `generate` may say: the flags of CompVis' scripts, and one for every parameter."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdui.core.command_line import add_options
from sdui.core.errors import LaunchError
from sdui.core.launch import Launch, read_launch
from sdui.core.request import GenerationRequest

DEFAULTS: dict[str, Any] = {
    "steps": 50,
    "sampler": "DDIM",
    "cfg_scale": 7.5,
    "seed": 42,
    "batch_size": 3,
    "batch_count": 2,
}
"""By path; those of CompVis' txt2img.py. Its 512x512 is our own default as well."""
_SPELLINGS = {
    "steps": ("--ddim-steps",),
    "batch_count": ("--n-iter",),
    "batch_size": ("--n-samples",),
    "height": ("--H",),
    "width": ("--W",),
    "cfg_scale": ("--scale",),
    "init.denoising_strength": ("--strength",),
}
"""What CompVis' scripts call parameters."""
_PRECISIONS = {"full": "fp32", "autocast": "auto"}
_OPTION = re.compile(r"(--[A-Za-z][\w.-]*)(=.*)?", re.DOTALL)
_PURPOSE = (
    "Draws pictures and prints their paths, one a line. The model is loaded once for all prompts of --from-file. "
    "Flags and defaults are those of CompVis' txt2img.py and img2img.py, with hyphens or underscores; besides, every "
    "parameter of a picture has a flag. Start options such as --ckpt, --data-dir and --device are those of webui.py. "
    "Ends with 0 if everything was drawn, 1 if something was not, 2 for wrong options, 130 after Ctrl+C."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One prompt, or one line of a file; options begin with "--"."""

    text: str
    number: int = 0
    """From 1; 0 for a prompt that was given as an option."""

    @property
    def options(self) -> bool:
        return self.number > 0 and self.text.startswith("--")

    @property
    def name(self) -> str:
        """What messages call it."""
        short = self.text if len(self.text) <= 60 else f"{self.text[:60]}..."
        return f"line {self.number}, {short!r}" if self.number else repr(short)


@dataclass(frozen=True, slots=True)
class Options:
    launch: Launch
    values: Mapping[str, Any]
    """What was said of the request, by path; texts and bytes that are not validated yet."""
    lines: tuple[Line, ...]
    outdir: Path | None = None
    grid: bool = True
    server: str = ""
    auth: str = ""


def parser_for(model: type[GenerationRequest]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "sdui generate",
        usage="%(prog)s PROMPT [options]",
        description=_PURPOSE,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("words", nargs="?", metavar="PROMPT", help="what the picture shows, in quotes; the same as --prompt")
    add("--from-file", metavar="FILE", help="a prompt in each line, or options: --prompt a cat --seed 5; - is stdin")
    add("--outdir", type=Path, metavar="FOLDER", help="where pictures go; default: where the page puts them")
    add("--skip-grid", action="store_true", help="no picture of all pictures of a prompt")
    add("--plms", action="store_true", help="the same as --sampler PLMS")
    add("--dpm-solver", action="store_true", help='the same as --sampler "DPM++ 2M" --schedule Uniform')
    add("--init-img", type=Path, metavar="IMAGE", help="the picture to start from")
    add("--mask", type=Path, metavar="IMAGE", help="what of the picture is drawn anew: what is white, or opaque")
    add(
        "--server",
        metavar="URL",
        help="let a running server draw; its account: --api-auth USER:PASSWORD",
    )
    add_options(parser, model, _SPELLINGS, DEFAULTS)
    return parser


def spelled(argv: Sequence[str]) -> list[str]:
    """Options with hyphens, and --precision as webui.py knows it."""
    words: list[str] = []
    for word in argv:
        option = _OPTION.fullmatch(word)
        words.append(option[1].replace("_", "-") + (option[2] or "") if option else word)
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--precision" and equals:
            words[place] = f"{name}={_PRECISIONS.get(value, value)}"
        elif name == "--precision" and place + 1 < len(words):
            words[place + 1] = _PRECISIONS.get(words[place + 1], words[place + 1])
    return words


def read_start(argv: Sequence[str], env: Mapping[str, str]) -> tuple[Launch, list[str]]:
    """Start options, and what is left. Raises LaunchError."""
    launch, rest = read_launch(argv, env)
    ignored = read_launch([], env)[1]
    return _with_file(launch).model_copy(update={"no_hashing": True}), rest[len(ignored) :]


def read_options(launch: Launch, rest: Sequence[str], model: type[GenerationRequest]) -> Options:
    """Raises LaunchError; wrong options end the program as argparse does, with 2."""
    parser = parser_for(model)
    given: dict[str, Any] = vars(parser.parse_args(rest))
    lines = _lines(given)
    if given.pop("dpm_solver", False):
        given = {"sampler": "DPM++ 2M", "schedule": "Uniform"} | given
    if given.pop("plms", False):
        given.setdefault("sampler", "PLMS")
    if launch.ckpt:
        given.setdefault("model", launch.ckpt)
    for name, path in (("init_img", "init.image"), ("mask", "init.inpaint.mask")):
        if (file := given.pop(name, None)) is not None:
            given[path] = _content(file, f"--{name.replace('_', '-')}")
    _require_pictures(given)
    aside = {"outdir": None, "server": "", "skip_grid": False}
    outdir, server, skip_grid = (given.pop(name, default) for name, default in aside.items())
    return Options(launch, given, lines, outdir, not skip_grid, server, launch.api_auth)


def _with_file(launch: Launch) -> Launch:
    """CompVis' --ckpt is a path; the file's folder is then one of those with checkpoints."""
    path = Path(launch.ckpt)
    if not launch.ckpt or not path.is_file():
        return launch
    return launch.model_copy(update={"ckpt": path.name, "ckpt_dir": (*launch.ckpt_dir, path.resolve().parent)})


def _lines(given: dict[str, Any]) -> tuple[Line, ...]:
    """The prompts, taken out of what was given."""
    sources = {name: given.pop(name) for name in ("words", "prompt", "from_file") if name in given}
    if len(sources) != 1:
        raise LaunchError(
            'Say what to draw: a prompt in quotes, --prompt "a red apple", or --from-file FILE with a prompt in each '
            f"line; {'one of them, not several' if sources else 'there is none'}."
        )
    ((name, text),) = sources.items()
    if name != "from_file":
        return (Line(text),)
    content = sys.stdin.buffer.read() if text == "-" else _content(Path(text), "--from-file")
    try:
        found = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LaunchError(f"--from-file: {text} is not UTF-8, at byte {error.start}; save it as UTF-8.") from error
    lines = tuple(Line(line.strip(), number) for number, line in enumerate(found, 1) if line.strip())
    if not lines:
        raise LaunchError(f"--from-file: there is no prompt in {text}.")
    return lines


def _content(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise LaunchError(f"{option}: {path} cannot be read: {reason}.") from error


def _require_pictures(given: Mapping[str, Any]) -> None:
    needs = {"init.inpaint.": ("--mask", "init.inpaint.mask"), "init.": ("--init-img", "init.image")}
    for stage, (option, path) in needs.items():
        for said in given:
            if said.startswith(stage) and path not in given:
                raise LaunchError(f"{option_of(said)} needs {option} IMAGE.")


def option_of(path: str) -> str:
    """What a parameter is called on the command line."""
    if path == "init.inpaint.mask":
        return "--mask"
    return _SPELLINGS["init.denoising_strength"][0] if path == "init.denoising_strength" else f"--{_hyphens(path)}"


def _hyphens(path: str) -> str:
    return path.replace("_", "-")
