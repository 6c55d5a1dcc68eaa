"""A thread that reads the checkpoint of the next job while the running one draws."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sdui.core.errors import SduiError

log = logging.getLogger(__name__)

_NICENESS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """The checkpoint to have at hand."""

    name: str
    sha256: str
    spare: int
    """Bytes of RAM that the running job still needs."""


class ReadAhead:
    """Only the newest wish counts; what cannot be read is left to the job that wants it to report."""

    def __init__(self, grant: Callable[[Wish | None], None]) -> None:
        self._grant = grant
        self._changing = threading.Lock()
        self._wish: Wish | None = None
        self._granted: Wish | None = None
        self._serving = False

    def ask(self, wish: Wish | None) -> None:
        """Returns at once."""
        with self._changing:
            self._wish = wish
            if wish is not self._granted and not self._serving:
                self._serving = True
                threading.Thread(target=self._serve, name="read-ahead", daemon=True).start()

    def wants(self, wish: Wish) -> bool:
        return self._wish is wish

    def _serve(self) -> None:
        if sys.platform == "linux":
            # Of this thread alone; torch's number of threads would be everybody's, and change how sums are split.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        try:
            while self._begun():
                try:
                    self._grant(self._granted)
                except SduiError as error:
                    log.debug("The next job's checkpoint cannot be read ahead: %s", error)
        finally:
            self._serving = False

    def _begun(self) -> bool:
        """Whether there is a wish that was not granted yet; if so, it is now."""
        with self._changing:
            if self._wish is self._granted:
                self._serving = False
                return False
            self._granted = self._wish
            return True
