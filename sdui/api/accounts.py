"""Who may use the server: accounts of the page and of the API, and whether a request names one of them."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field

from sdui.core.errors import LaunchError
from sdui.core.launch import Launch

_API = ("/sdapi", "/api", "/v1", "/docs", "/redoc", "/openapi.json")
_SHARED = "/internal"
"""Linked on the page and asked by programs."""
GENERATED_USER = "sdui"


@dataclass(frozen=True)
class Account:
    user: str
    password: str = field(repr=False)

    def texts(self) -> tuple[bytes, bytes]:
        return f"{self.user}:{self.password}".encode(), self.password.encode()


@dataclass(frozen=True)
class Access:
    """A side without accounts is open to whoever reaches the server."""

    page: tuple[Account, ...] = ()
    api: tuple[Account, ...] = ()
    generated: str = ""
    """The password that was made up for an open server without accounts."""

    def accounts_for(self, path: str) -> tuple[Account, ...]:
        """Those that count at a path, as routes see it; () = nobody is asked."""
        if is_below(path, *_API):
            return self.api
        if self.page and is_below(path, _SHARED):
            return (*self.page, *self.api)
        return self.page


def is_below(path: str, *folders: str) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def is_api(path: str) -> bool:
    return is_below(path, *_API, _SHARED)


def access_of(launch: Launch) -> Access:
    """Raises LaunchError naming the flag whose accounts cannot be read; what stands there is not repeated."""
    page, api = _accounts("--gradio-auth", launch.gradio_auth), _accounts("--api-auth", launch.api_auth)
    if launch.gradio_auth_path:
        page += _from_file(launch)
    if launch.nowebui:
        page = api = api or page
    if not launch.is_open or (page and api):
        return Access(page, api)
    if page or api:
        return Access(page or api, api or page)
    generated = secrets.token_urlsafe(12)
    account = (Account(GENERATED_USER, generated),)
    return Access(account, account, generated)


def known_user(authorization: bytes, accounts: tuple[Account, ...]) -> str:
    """Whom a header's value names, "" for nobody: Basic, or Bearer with the password or user:password.

    Every account is compared, and in constant time, so that how long it takes tells nothing about them.
    """
    scheme, _, given = authorization.strip().partition(b" ")
    kind, given = scheme.lower(), given.strip()
    if kind == b"basic":
        try:
            given = base64.b64decode(given, validate=True)
        except binascii.Error:
            return ""
    elif kind != b"bearer":
        return ""
    texts = [(account.user, text) for account in accounts for text in account.texts()[: 1 if kind == b"basic" else 2]]
    users = [user for user, text in texts if secrets.compare_digest(given, text)]
    return users[0] if users else ""


def _from_file(launch: Launch) -> tuple[Account, ...]:
    try:
        text = (launch.gradio_auth_path or launch.data_dir).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise LaunchError(f"--gradio-auth-path {launch.gradio_auth_path} cannot be read: {why}.") from error
    return _accounts("--gradio-auth-path", text.replace("\n", ","))


def _accounts(flag: str, text: str) -> tuple[Account, ...]:
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    accounts: list[Account] = []
    for place, entry in enumerate(entries, 1):
        user, colon, password = entry.partition(":")
        if not (user and colon and password):
            raise LaunchError(f"{flag}: user:password is needed, several with commas; number {place} is not like that.")
        accounts.append(Account(user, password))
    return tuple(accounts)
