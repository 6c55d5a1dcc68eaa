"""Many followers in one event loop, and no thread for any of them."""

from __future__ import annotations

import asyncio
import threading

from sdui.core.events import Finished, Notice, Started
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs import following
from sdui.jobs.job import Job


def job():
    return Job(GenerationRequest(), Preferences())


async def read(job, after=0):
    return [event async for _, event in following.events(job, after)]


def test_followers_see_what_another_thread_says_until_the_end():
    followed = job()

    def work():
        for event in (Started("w"), Notice("a"), Finished()):
            followed.publish(event)

    async def follow():
        before = threading.active_count()
        readers = [asyncio.create_task(read(followed)) for _ in range(50)]
        await asyncio.sleep(0)
        more = threading.active_count() - before
        threading.Thread(target=work).start()
        return more, await asyncio.gather(*readers)

    more, seen = asyncio.run(follow())
    assert more <= 0
    assert all(one == [Started("w"), Notice("a"), Finished()] for one in seen)


def test_whoever_comes_back_sees_only_what_is_new():
    followed = job()
    for event in (Started("w"), Notice("a"), Finished()):
        followed.publish(event)
    assert asyncio.run(read(followed, 2)) == [Finished()]
    assert asyncio.run(read(followed, 3)) == []


def test_a_follower_that_goes_away_is_not_told_any_more():
    followed = job()

    async def leave():
        reader = asyncio.create_task(read(followed))
        await asyncio.sleep(0)
        reader.cancel()

    asyncio.run(leave())
    followed.publish(Finished())
    assert followed.view().state == "finished"


def test_the_end_of_a_job():
    followed = job()
    threading.Timer(0.05, followed.publish, [Finished()]).start()
    assert asyncio.run(following.end_of(followed)).state == "finished"
