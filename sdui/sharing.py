"""--share: an address of the server that can be reached from everywhere, through Gradio's tunnel."""

from __future__ import annotations

import logging
import secrets
import sys
import threading
from pathlib import Path

import httpx

from sdui.core.launch import Launch

from .serving import local_host

log = logging.getLogger(__name__)


class Tunnel:
    """Opened by `start` in a thread of its own."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._started = False

    def start(self) -> None:
        """Without --share nothing is done."""
        if not self._launch.share:
            return
        self._started = True
        threading.Thread(target=self._open, daemon=True, name="share").start()

    def close(self) -> None:
        if self._started:
            from gradio import tunneling

            for tunnel in tunneling.CURRENT_TUNNELS:
                tunnel.kill()

    def _open(self) -> None:
        from gradio import exceptions, networking, tunneling

        failures = (
            OSError,
            RuntimeError,
            ValueError,
            httpx.HTTPError,
            exceptions.ChecksumMismatchError,
            exceptions.ShareCertificateWriteError,
        )
        token = secrets.token_urlsafe(32)
        try:
            url = networking.setup_tunnel(local_host(self._launch), self._launch.port, token, None, None)
        except failures as error:
            if isinstance(error, exceptions.ChecksumMismatchError):
                # Gradio would run at the next start what it has just found to be wrong.
                Path(tunneling.BINARY_PATH).unlink(missing_ok=True)
            log.warning(
                "--share: there is no public address, for the tunnel cannot be set up: %s "
                "The server goes on at its local address.",
                next(iter(str(error).splitlines()), type(error).__name__),
            )
            return
        path = f"{self._launch.subpath}/" if self._launch.subpath else ""
        sys.stdout.write(f"Running on public URL: {url}{path}\n")
        sys.stdout.flush()
