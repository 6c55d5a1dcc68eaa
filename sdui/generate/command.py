"""Reads the options, draws line by line, and says what became of it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sdui.core.errors import LaunchError, SduiError
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest

from .options import Options, parser_for, read_options, read_start, spelled

# Everything else is imported after --help, which needs none of it.
if TYPE_CHECKING:
    from sdui.extensions.host import Host
    from sdui.jobs.queue import Worker

    from .report import Report
    from .wishes import Draws, Wishes

    Start = Callable[[Launch, Host], Worker]


def main(argv: Sequence[str], env: Mapping[str, str], start: Start | None = None) -> int:
    """0 when everything was drawn, 1 when something was not, 2 for wrong options, 130 when the user stopped it.

    start: makes what draws here, in place of the engine.
    """
    words = spelled(argv)
    if {"-h", "--help"} & set(words):
        _print_help()
        return 0
    try:
        launch, rest = read_start(words, env)
        return _run(launch, rest, start or _engine)
    except LaunchError as error:
        sys.stderr.write(f"sdui: {error}\n")
        return 2
    except SduiError as error:
        sys.stderr.write(f"sdui: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nsdui: stopped. What was drawn is where it was saved.\n")
        return 130
    except BrokenPipeError:
        # Whoever read the paths has had enough; Python must not try to write the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _print_help() -> None:
    """With the parameters of the extensions that come with sdui."""
    from sdui.builtin import all as builtin
    from sdui.extensions.host import Host

    host = Host()
    builtin.add_all(host, ["params"])
    parser_for(host.request(GenerationRequest, "always", "script")).print_help()


def _run(launch: Launch, rest: Sequence[str], start: Start) -> int:
    from sdui.app import build_host

    from .report import Report
    from .wishes import Wishes

    _start_logging(launch.loglevel if "loglevel" in launch.model_fields_set else "warning")
    host, problems = build_host(launch)
    model = host.request(GenerationRequest, "always", "script")
    options = read_options(launch, rest, model)
    wishes = Wishes(options, model)
    draws = _remote(options, model) if options.server else _local(options, model, start(launch, host))
    report = Report(len(options.lines), len(options.lines) * wishes.pictures)
    for problem in problems:
        report.say(problem)
    try:
        return _draw(options, wishes, draws, report)
    finally:
        report.close()
        draws.close()


def _draw(options: Options, wishes: Wishes, draws: Draws, report: Report) -> int:
    """One line after the other; one that fails is named and does not keep the others from being drawn."""
    from .remote import ServerLost

    told = set[str]()

    def once(text: str) -> None:
        if text not in told:
            told.add(text)
            report.say(text)

    failed = False
    for line in options.lines:
        try:
            draws.draw(wishes.wish(line, draws, once), report)
        except ServerLost:
            raise
        except SduiError as error:
            failed = True
            report.say(f"{line.name}: {error}")
        report.line_done()
    return 1 if failed else 0


def _engine(launch: Launch, host: Host) -> Worker:
    from sdui.app import build_engine
    from sdui.jobs.local import LocalWorker

    return LocalWorker(lambda: build_engine(launch, host))


def _local(options: Options, model: type[GenerationRequest], worker: Worker) -> Draws:
    from sdui.core import standing
    from sdui.core.settings import SettingsFile

    from .local import Local, preferences

    options.launch.require_folders()
    _require_writable(options)
    settings = SettingsFile(options.launch.settings_path, standing.preferences(model))
    if settings.problem:
        sys.stderr.write(f"sdui: {settings.problem}\n")
    return Local(worker, options.launch.data_dir, preferences(options, settings.current))


def _remote(options: Options, model: type[GenerationRequest]) -> Draws:
    from .remote import Remote

    _require_writable(options)
    return Remote(options, model)


def _require_writable(options: Options) -> None:
    """Raises LaunchError, before anything is drawn that has no place."""
    folder = options.outdir
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise LaunchError(f"--outdir: the folder {folder} cannot be used: {reason}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LaunchError(f"--outdir: the folder {folder} cannot be written to.")


def _start_logging(level: str) -> None:
    """What becomes of a job is said here; its log is for those who look for a fault."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("sdui").setLevel(level.upper())
    if level != "debug":
        logging.getLogger("sdui.jobs").setLevel(logging.CRITICAL)
