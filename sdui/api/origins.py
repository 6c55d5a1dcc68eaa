"""Which sites a request may come from: this server's own pages, programs, and what the CORS flags allow."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from sdui.core.errors import LaunchError
from sdui.core.launch import Launch, is_loopback


@dataclass(frozen=True)
class Origins:
    listed: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def allow(self, origin: str) -> bool:
        found = "*" in self.listed or origin in self.listed
        return found or (self.pattern is not None and self.pattern.fullmatch(origin) is not None)

    def include_host(self, host: str) -> bool:
        """host: as the header has it; the port does not count for those listed."""
        name = _name(host)
        named = bool(name) and any(_name(origin.partition("://")[2]) == name for origin in self.listed)
        return named or self.allow(f"http://{host}") or self.allow(f"https://{host}")


def origins_of(launch: Launch) -> Origins:
    """Raises LaunchError naming the flag."""
    listed = [origin.strip().rstrip("/").lower() for origin in launch.cors_allow_origins.split(",")]
    for origin in filter(None, listed):
        if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#]+", origin):
            raise LaunchError(f"--cors-allow-origins: {origin} is no origin such as https://one.example or *.")
    try:
        pattern = re.compile(launch.cors_allow_origins_regex) if launch.cors_allow_origins_regex else None
    except re.error as error:
        raise LaunchError(f"--cors-allow-origins-regex is no regular expression: {error}.") from error
    return Origins(tuple(filter(None, listed)), pattern)


class Visits:
    """Tells requests that other sites have made a browser send from all others."""

    def __init__(self, launch: Launch) -> None:
        self._origins = origins_of(launch)
        self._local, self._name = not launch.is_open, launch.server_name.lower()

    def objection(self, scope: Scope) -> str:
        """Why the request is not answered; "" = nothing speaks against it."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._local and host and not self._is_here(host):
            return (
                f"This server is for this machine alone and does not answer as {host[:200]}. "
                f"Open it as localhost; behind a proxy start it with --cors-allow-origins https://{host[:200]}"
            )
        origin = headers.get("origin")
        if origin is not None and self._origins.allow(origin) and origin != "null":
            return ""
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if origin is not None and not _is_own(origin, headers, scope):
            foreign = True
        if not foreign or (origin != "null" and _is_navigation(headers, scope)):
            return ""
        site = origin or "another site"
        return f"Requests from {site[:200]} are refused; --cors-allow-origins names the sites that may send some."

    def _is_here(self, host: str) -> bool:
        name = _name(host)
        return is_loopback(name) or (bool(name) and name == self._name) or self._origins.include_host(host)


def _is_own(origin: str, headers: Headers, scope: Scope) -> bool:
    """Other sites can set none of these headers without being asked about it first.

    A proxy that ends TLS may not tell of it; then the browser's word counts.
    """
    scheme, _, site = origin.partition("://")
    hosts = (headers.get("host"), _first(headers, "x-forwarded-host"))
    served = _first(headers, "x-forwarded-proto") or {"ws": "http", "wss": "https"}.get(
        scope["scheme"], scope["scheme"]
    )
    return site in hosts and (scheme == served or headers.get("sec-fetch-site") == "same-origin")


def _is_navigation(headers: Headers, scope: Scope) -> bool:
    """Somebody has followed a link: what is shown then, the other site cannot read."""
    top = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return top and scope["type"] == "http" and scope["method"] == "GET"


def _first(headers: Headers, name: str) -> str | None:
    value = headers.get(name)
    return value.split(",")[0].strip() if value else None


def _name(host: str) -> str:
    """Without the port; "" for what cannot be a host."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?", host.lower())
    return found[1] if found else ""
