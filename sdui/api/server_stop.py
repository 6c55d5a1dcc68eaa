"""/sdapi/v1/server-stop, server-restart and server-kill, which are there with --api-server-stop only."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import psutil
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse


class Ending:
    """How the routes end the server. Whoever runs it puts its way to stop here, and looks afterwards what is next."""

    def __init__(self) -> None:
        self.again = False
        """Whether the server is to be started anew."""
        self.stop: Callable[[], None] = lambda: None


def routes(ending: Ending) -> APIRouter:
    served = APIRouter()

    def stop() -> PlainTextResponse:
        """End as with Ctrl+C."""
        ending.stop()
        return PlainTextResponse("Stopping.")

    def restart() -> PlainTextResponse:
        """End in the same way, then start with the same options."""
        ending.again = True
        ending.stop()
        return PlainTextResponse("Restarting.")

    def kill() -> None:
        """End at once, without an answer, and with all programs that were started."""
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        os._exit(0)

    served.post("/server-stop")(stop)
    served.post("/server-restart")(restart)
    served.post("/server-kill")(kill)
    return served
