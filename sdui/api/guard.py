"""What stands before every route, the page's too: who asks, from where, and how much is sent."""

from __future__ import annotations

import time

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sdui.core.launch import Launch

from .accounts import Access, is_api, known_user
from .origins import Visits, origins_of


def protect(app: FastAPI, launch: Launch, access: Access) -> FastAPI:
    """Raises LaunchError for flags that cannot be used. The last that is added is the first to see a request."""
    allowed = origins_of(launch)
    app.add_middleware(_Timed)
    app.add_middleware(_Sized, largest=launch.max_request_mb)
    app.add_middleware(_Known, access=access)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=allowed.listed,
        allow_origin_regex=launch.cors_allow_origins_regex or None,
        allow_methods=["*"],
        allow_headers=["*"],
        # "*" is everybody; what a browser remembers of its user's account is not for everybody.
        allow_credentials="*" not in allowed.listed,
    )
    app.add_middleware(_Invited, visits=Visits(launch))
    app.add_middleware(_Placed, subpath=launch.subpath)
    return app


class _Placed:
    """Everything under --subpath, whether a proxy before the server passes that part of the path on or not."""

    def __init__(self, app: ASGIApp, subpath: str) -> None:
        self._app, self._subpath = app, subpath

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._subpath and scope["type"] in ("http", "websocket"):
            path: str = scope["path"]
            inside = path == self._subpath or path.startswith(f"{self._subpath}/")
            scope = {**scope, "root_path": self._subpath, "path": path if inside else self._subpath + path}
        await self._app(scope, receive, send)


class _Invited:
    """Refuses what other sites make a browser send, 403."""

    def __init__(self, app: ASGIApp, visits: Visits) -> None:
        self._app, self._visits = app, visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        objection = self._visits.objection(scope) if scope["type"] in ("http", "websocket") else ""
        if objection:
            await _refuse(JSONResponse({"detail": objection}, 403), scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Known:
    """Asks for an account, 401."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accounts = self._access.accounts_for(_route(scope)) if scope["type"] in ("http", "websocket") else ()
        given = dict(scope.get("headers", ())).get(b"authorization")
        user = known_user(given, accounts) if given is not None else ""
        if user or not accounts:
            await self._app({**scope, "account": user}, receive, send)
            return
        detail = "Not authenticated" if given is None else "Incorrect username or password"
        asking = {"WWW-Authenticate": 'Basic realm="sdui"'}
        await _refuse(JSONResponse({"detail": detail}, 401, asking), scope, receive, send)


class _Sized:
    """Refuses a body above --max-request-mb, 413: at once where its length is told, else when it becomes too long."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app, self._largest = app, largest * 1_000_000
        self._sentence = (
            f"The request is larger than {largest} MB; the server takes it when started with a larger --max-request-mb."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > self._largest:
            await JSONResponse({"detail": self._sentence}, 413)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._largest:
                raise HTTPException(413, self._sentence)
            return message

        await self._app(scope, counted, send)


class _Timed:
    """X-Process-Time, in seconds, on what the API answers, as A1111 has it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Process-Time"] = str(round(time.perf_counter() - begun, 4))
            await send(message)

        await self._app(scope, receive, timed if is_api(_route(scope)) else send)


def _route(scope: Scope) -> str:
    """The path as the routes see it."""
    path: str = scope.get("path", "")
    return path.removeprefix(scope.get("root_path", "")) or "/"


async def _refuse(answer: JSONResponse, scope: Scope, receive: Receive, send: Send) -> None:
    """A websocket is closed before it is open where the server cannot answer it otherwise."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
    else:
        await answer(scope, receive, send)
