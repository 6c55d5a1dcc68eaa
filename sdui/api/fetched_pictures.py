"""Pictures that a request names by an http address: where settings allow it, and never from private networks."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urljoin

import httpx

from sdui.core.errors import RequestError
from sdui.core.settings import Preferences

_LARGEST = 64 * 2**20
"""Bytes of a picture."""
_PATIENCE = 15
"""Seconds for each step of an answer."""
_MOST_REDIRECTS = 5


def is_address(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


async def fetched(address: str, field: str, preferences: Preferences) -> bytes:
    """The bytes at an http address. Raises RequestError naming the field."""
    if not preferences.api_enable_requests:
        raise RequestError(f"{field}: http addresses are off; see the setting api_enable_requests, or send base64.")
    try:
        for _ in range(_MOST_REDIRECTS + 1):
            url = httpx.URL(address)
            if url.scheme not in ("http", "https") or not url.host:
                raise RequestError(f"{field}: {address[:200]!r} is no http address.")
            answer, body = await _answer(url, await _public(url, field), preferences)
            if not answer.is_redirect:
                answer.raise_for_status()
                return body
            address = urljoin(address, answer.headers.get("location", ""))
    except httpx.HTTPStatusError as error:
        raise RequestError(f"{field}: {address[:200]} answered {error.response.status_code}.") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise RequestError(f"{field}: {address[:200]} cannot be fetched: {error}") from error
    raise RequestError(f"{field}: {address[:200]} is redirected too often.")


async def _public(url: httpx.URL, field: str) -> str:
    """An address of the host, which is then the one that is asked: a name may mean another one a moment later."""
    found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or 0, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not ipaddress.ip_address(address).is_global:
            raise RequestError(f"{field}: {url.host} is in a private network, from which nothing is fetched.")
    return addresses[0]


async def _answer(url: httpx.URL, address: str, preferences: Preferences) -> tuple[httpx.Response, bytes]:
    headers = {"host": url.netloc.decode()}
    if preferences.api_useragent:
        headers["user-agent"] = preferences.api_useragent
    there = url.copy_with(host=address)
    # No proxy of the environment: it would look the name up itself.
    async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as client:
        wanted = client.build_request("GET", there, headers=headers, extensions={"sni_hostname": url.host})
        answer = await client.send(wanted, stream=True)
        try:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LARGEST:
                    raise ValueError(f"it is larger than {_LARGEST >> 20} MiB.")
            return answer, bytes(body)
        finally:
            await answer.aclose()
