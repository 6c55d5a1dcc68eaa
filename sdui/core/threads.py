"""How threads of the background make room for what a person waits for."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

_LOWEST = 19
"""The system's lowest priority."""


def give_way() -> None:
    """Call it in the thread. Linux has a priority for each; elsewhere it is the process's and is left alone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
