"""Who goes next: the higher priority, and among equals everybody in turn, however much one asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .job import Job


def place_for(job: Job, waiting: Sequence[Job]) -> int:
    """Where a new job goes among those that wait, which are in the order in which they will run.

    A client's first waiting job goes before every other client's second, and so on; what was moved by hand stays.
    """
    turn = sum(other.client == job.client and other.priority == job.priority for other in waiting)
    turns = Counter[str]()
    for place, other in enumerate(waiting):
        if other.priority < job.priority:
            return place
        if other.priority == job.priority:
            if turns[other.client] > turn:
                return place
            turns[other.client] += 1
    return len(waiting)


def rank_at(place: int, waiting: Sequence[Job]) -> float | None:
    """The rank of a new job between its neighbours; None where no number is between theirs any more."""
    before = waiting[place - 1].rank if place > 0 else None
    after = waiting[place].rank if place < len(waiting) else None
    if after is None:
        return 0.0 if before is None else before + 1
    if before is None:
        return after - 1
    between = (before + after) / 2
    return between if before < between < after else None
