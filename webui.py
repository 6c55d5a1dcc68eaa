"""Starts the sdui server, or another command: reads the options, then hands over to sdui.app or sdui.commands."""

from __future__ import annotations

import gc
import os
import sys

from sdui.commands import COMMANDS, run
from sdui.core.errors import LaunchError
from sdui.core.launch import read_launch
from sdui.install import start


def main() -> int:
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        return run(sys.argv[1], sys.argv[2:])
    try:
        launch, unknown = read_launch(sys.argv[1:], os.environ)
        if unknown:
            sys.stderr.write(f"sdui: not known here and ignored: {' '.join(unknown)}\n")
        gc.disable()  # until sdui.app has everything: what is made until then stays
        from sdui.app import main as serve  # after --help, which needs none of it

        again = serve(launch)
    except LaunchError as error:
        sys.stderr.write(f"sdui: {error}\n")
        return 2
    return start([sys.executable, *sys.orig_argv[1:]]) if again else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the engine's thread may be in the middle of a step; nobody waits for it
