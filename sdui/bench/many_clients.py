"""Many programs at one server: is anything lost or done twice, has everybody turns, what is left after kill -9."""

from __future__ import annotations

import asyncio
import io
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image

from .rows import Row
from .serving import serving, wait_for

_GROUP = "many clients"
_EACH = 5
"""Jobs of one client."""
_OPTIONS = ("--nowebui", "--skip-load-model-at-start", "--no-hashing")
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)
_WAIT = 600
"""Seconds for all jobs."""


def measure_many_clients(full: bool) -> Iterator[Row]:
    clients, kills = (200, 10) if full else (40, 3)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), *_OPTIONS) as (server, url, _):
        wait_for(f"{url}/internal/ping", server)
        yield from asyncio.run(_crowd(url, clients, psutil.Process(server.pid)))
    with tempfile.TemporaryDirectory() as folder:
        yield from _killed(Path(folder), clients, kills)


@dataclass
class _Done:
    """In the order in which jobs ended: whose, which seed was asked for, and which one the picture has."""

    order: list[tuple[str, int, list[int]]] = field(default_factory=list[tuple[str, int, list[int]]])
    problems: list[str] = field(default_factory=list[str])


def _body(seed: int) -> dict[str, Any]:
    return {"request": {"prompt": "a red apple", "seed": seed, "steps": 1, "width": 64, "height": 64, "cfg_scale": 1}}


async def _crowd(url: str, clients: int, process: psutil.Process) -> list[Row]:
    done, memory = _Done(), list[float]()
    async with httpx.AsyncClient(timeout=_WAIT, limits=_LIMITS, trust_env=False) as client:
        await client.post(f"{url}/api/jobs", json=_body(0))
        watch = asyncio.create_task(_watch(process, clients * _EACH // 5, done, memory))
        begun = time.perf_counter()
        await asyncio.gather(*(_one(client, url, number, done) for number in range(clients)))
        took = time.perf_counter() - begun
        watch.cancel()
    count = clients * _EACH
    seeds = Counter(seed for _, _, drawn in done.order for seed in drawn)
    asked = {number * _EACH + place + 1 for number in range(clients) for place in range(_EACH)}
    return [
        Row(_GROUP, f"{clients} at once, {count} jobs", took, "s"),
        Row(_GROUP, "jobs a second", count / took),
        Row(_GROUP, "lost", len(asked - seeds.keys()) + len(done.problems)),
        Row(_GROUP, "twice", sum(number - 1 for number in seeds.values())),
        Row(_GROUP, "longest lead of one client over another", _lead([name for name, *_ in done.order]), "jobs"),
        Row(_GROUP, "memory of the server after a fifth of the jobs", memory[0] if memory else "not seen", "MB"),
        Row(_GROUP, "memory of the server after all", process.memory_info().rss / 2**20, "MB"),
    ]


async def _one(client: httpx.AsyncClient, url: str, number: int, done: _Done) -> None:
    """Asks for all of its pictures at once, then waits for each."""
    name = f"client {number}"
    seeds = [number * _EACH + place + 1 for place in range(_EACH)]
    jobs = [await _asked(client, url, name, seed) for seed in seeds]
    await asyncio.gather(
        *(_followed(client, url, name, seed, job, done) for seed, job in zip(seeds, jobs, strict=True))
    )


async def _asked(client: httpx.AsyncClient, url: str, name: str, seed: int) -> str:
    answer = await client.post(f"{url}/api/jobs", json=_body(seed), headers={"X-Client-Id": name})
    answer.raise_for_status()
    return answer.json()["id"]


async def _followed(client: httpx.AsyncClient, url: str, name: str, seed: int, job: str, done: _Done) -> None:
    last: dict[str, Any] = {}
    async with client.stream("GET", f"{url}/api/jobs/{job}/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: {"):
                last = json.loads(line[6:])
    drawn: list[int] = [image["seed"] for image in last.get("images", ())]
    if last.get("state") != "finished" or drawn != [seed]:
        done.problems.append(f"{job}: {last.get('state')} {drawn}")
    done.order.append((name, seed, drawn))


async def _watch(process: psutil.Process, count: int, done: _Done, memory: list[float]) -> None:
    while True:
        if len(done.order) >= count and not memory:
            memory.append(process.memory_info().rss / 2**20)
        await asyncio.sleep(0.1)


def _lead(names: Sequence[str]) -> int:
    """The most jobs that one client was ahead of another that had jobs waiting as well."""
    ended, lead = Counter[str](dict.fromkeys(names, 0)), 0
    for name in names:
        ended[name] += 1
        waiting = [count for count in ended.values() if count < _EACH]
        lead = max(lead, max(ended.values()) - min(waiting, default=_EACH))
    return lead


def _killed(data: Path, clients: int, kills: int) -> Iterator[Row]:
    """Every job is asked for; then the server is killed again and again while it draws them."""
    jobs: list[str] = []
    chosen = random.Random(0)
    for number in range(kills):
        with serving(data, *_OPTIONS) as (server, url, _):
            wait_for(f"{url}/internal/ping", server)
            if not jobs:
                jobs = asyncio.run(_submitted(url, clients))
            if number == 0:
                _until_drawn(url)
            time.sleep(chosen.uniform(0.0, 3.0))
            psutil.Process(server.pid).kill()
            server.wait()
    with serving(data, *_OPTIONS) as (server, url, _):
        wait_for(f"{url}/internal/ping", server)
        with httpx.Client(timeout=_WAIT, trust_env=False) as client:
            states = Counter(_state(client, url, job) for job in jobs)
            yield Row(_GROUP, f"kill -9, {kills} times in {len(jobs)} jobs: finished then", states["finished"])
            yield Row(_GROUP, "  queued or running then", states["queued"] + states["running"])
            yield Row(
                _GROUP, "  anything else then", len(jobs) - sum(states[s] for s in ("finished", "queued", "running"))
            )
            until = time.monotonic() + _WAIT
            while _listed(client, url, "queued", "running") and time.monotonic() < until:
                time.sleep(0.2)
            results = [client.get(f"{url}/api/jobs/{job}").json() for job in jobs]
            yield Row(_GROUP, "  finished in the end", sum(result["state"] == "finished" for result in results))
            yield Row(_GROUP, "  pictures that open", sum(_opens(client, url, result) for result in results))


def _until_drawn(url: str) -> None:
    """The first picture needs torch and the checkpoint; kills before that would find nothing to harm."""
    with httpx.Client(timeout=_WAIT, trust_env=False) as client:
        while not _listed(client, url, "finished"):
            time.sleep(0.1)


def _listed(client: httpx.Client, url: str, *states: str) -> list[Any]:
    return client.get(f"{url}/api/jobs", params={"state": states, "limit": 1}).json()["jobs"]


async def _submitted(url: str, clients: int) -> list[str]:
    async with httpx.AsyncClient(timeout=_WAIT, limits=_LIMITS, trust_env=False) as client:
        wanted = [
            (f"client {number}", number * _EACH + place + 1) for place in range(_EACH) for number in range(clients)
        ]
        return list(await asyncio.gather(*(_asked(client, url, name, seed) for name, seed in wanted)))


def _state(client: httpx.Client, url: str, job: str) -> str:
    answer = client.get(f"{url}/api/jobs/{job}")
    return answer.json()["state"] if answer.status_code == 200 else "lost"


def _opens(client: httpx.Client, url: str, job: dict[str, Any]) -> bool:
    images = job.get("images") or ()
    if len(images) != 1:
        return False
    Image.open(io.BytesIO(client.get(f"{url}{images[0]['url']}").content)).load()
    return True
