"""Telling other servers that a job has ended: only hosts that --webhook-host names, and beside the queue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import httpx

from sdui.core.errors import RequestError
from sdui.jobs.job import Job

log = logging.getLogger(__name__)

_TRIES = 3
_PAUSE = 2.0
"""Seconds before the second try, twice as many before the third."""
_PATIENCE = 10


class Webhooks:
    def __init__(self, hosts: Collection[str], pause: float = _PAUSE) -> None:
        """hosts: names, or name:port."""
        self._hosts = {host.lower() for host in hosts}
        self._pause = pause
        self.tell: Callable[[Job], dict[str, Any]] = lambda job: {"id": job.id}
        """What is sent."""

    def check(self, address: str) -> None:
        """Raises RequestError for an address that nobody has allowed."""
        if not address:
            return
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError) as error:
            raise RequestError(f"webhook: {address[:200]!r} is no address.") from error
        if url.scheme not in ("http", "https") or not {url.host, f"{url.host}:{url.port}"} & self._hosts:
            raise RequestError(f"webhook: {url.host or address[:200]!r} is not allowed; see --webhook-host.")

    def ended(self, job: Job) -> None:
        """Returns at once."""
        if job.webhook:
            threading.Thread(target=self._send, args=(job,), name="webhook", daemon=True).start()

    def _send(self, job: Job) -> None:
        """Jobs outlive the server, and what was allowed then need not be now."""
        try:
            self.check(job.webhook)
        except RequestError as refused:
            log.warning("job %s: %s", job.id[:8], refused)
            return
        told = self.tell(job)
        for number in range(1, _TRIES + 1):
            try:
                httpx.post(job.webhook, json=told, timeout=_PATIENCE, trust_env=False).raise_for_status()
            except httpx.HTTPError as error:
                log.warning("job %s: its webhook was not reached, try %s of %s: %s", job.id[:8], number, _TRIES, error)
                time.sleep(self._pause * number if number < _TRIES else 0)
            else:
                return
