"""The server's port, certificate and end, and what it says of itself when it answers."""

from __future__ import annotations

import errno
import gc
import logging
import socket
import ssl
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from sdui.api.accounts import GENERATED_USER, Access
from sdui.core.errors import LaunchError
from sdui.core.launch import Launch

_LONGEST_GOODBYE = 1
"""Seconds that open pages get when the server stops."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port at once, so that a second server is refused before it loads anything."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Connections inherit it; asyncio sets it only where it made the socket. Without it each answer takes 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(
                f"Port {port} is in use already: stop the program that uses it, "
                f"or choose another port, for example --port {port % 65535 + 1}"
            ) from error
        raise LaunchError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. See --server-name and --port."
        ) from error


def require_certificate(launch: Launch) -> None:
    """Raises LaunchError naming the flag that is missing or whose file cannot be used."""
    key, certificate = launch.tls_keyfile, launch.tls_certfile
    if not key and not certificate:
        return
    if not key or not certificate:
        given, missing = ("--tls-keyfile", "--tls-certfile") if key else ("--tls-certfile", "--tls-keyfile")
        raise LaunchError(f"{given} needs {missing} beside it.")
    if launch.share:
        raise LaunchError("--share: the tunnel takes HTTP from here and serves HTTPS itself; leave out --tls-keyfile.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _readable("--tls-keyfile", key)
    _readable("--tls-certfile", certificate)
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError as error:
        raise LaunchError(f"--tls-certfile {certificate} is no certificate in PEM form.") from error
    try:
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise LaunchError(
            f"--tls-keyfile {key} is not the certificate's private key in PEM form without a password."
        ) from error


def _readable(flag: str, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise LaunchError(f"{flag} {file} cannot be read: {error.strerror}.") from error


class Server(uvicorn.Server):
    """Says when it answers, and ends quickly and quietly on Ctrl+C and SIGTERM, raising KeyboardInterrupt."""

    def __init__(self, app: FastAPI, launch: Launch, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                timeout_graceful_shutdown=_LONGEST_GOODBYE,
                ssl_keyfile=launch.tls_keyfile,
                ssl_certfile=launch.tls_certfile,
            )
        )
        self._on_ready = on_ready

    def stop(self) -> None:
        """As Ctrl+C does, but from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Open pages hold streams that never end; cutting them is no error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def announce(launch: Launch, access: Access, begun: float) -> None:
    """Call it once, when the server answers."""
    gc.freeze()
    gc.enable()
    url, what = local_url(launch), "API" if launch.nowebui else "page"
    lines = [f"Running on local URL:  {url}", f"The {what} was ready after {time.perf_counter() - begun:.1f} s."]
    if access.generated:
        lines += [
            "",
            "OTHER MACHINES CAN REACH THIS SERVER, so it asks everyone for an account, made up for this start alone:",
            f"    user: {GENERATED_USER}    password: {access.generated}",
            "Choose your own with --gradio-auth USER:PASSWORD for the page and --api-auth USER:PASSWORD for the API.",
            "",
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    if launch.autolaunch:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def local_url(launch: Launch) -> str:
    """Where this machine's browser finds the page."""
    host = local_host(launch)
    scheme = "https" if launch.tls_certfile else "http"
    path = f"{launch.subpath}/" if launch.subpath else ""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{launch.port}{path}"


def local_host(launch: Launch) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(launch.host, launch.host)
