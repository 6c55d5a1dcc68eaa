"""Everybody gets turns, however much one asks for; urgent jobs go first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.job import Job
from sdui.jobs.turns import place_for, rank_at


def job(client="", priority=0):
    return Job(GenerationRequest(), Preferences(), client=client, priority=priority)


def order(*jobs):
    waiting = []
    for one in jobs:
        waiting.insert(place_for(one, waiting), one)
    return waiting


def test_clients_take_turns():
    asked = [job("a"), job("a"), job("a"), job("b"), job("b"), job("c")]
    assert "".join(one.client for one in order(*asked)) == "abcaba"


def test_one_clients_jobs_stay_in_order():
    asked = [job("a"), job("a"), job("b"), job("a")]
    assert [one for one in order(*asked) if one.client == "a"] == [asked[0], asked[1], asked[3]]


def test_urgent_jobs_go_first_and_take_turns_among_themselves():
    asked = [job("a"), job("a", 5), job("a", 5), job("b", 5), job("b", -1), job("c")]
    assert [(one.client, one.priority) for one in order(*asked)] == [
        ("a", 5),
        ("b", 5),
        ("a", 5),
        ("a", 0),
        ("c", 0),
        ("b", -1),
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), max_size=40))
def test_nobody_waits_for_more_than_one_of_each_others_jobs(asked):
    """Between two jobs of one client, no other client of the same priority has two."""
    waiting = order(*(job(*one) for one in asked))
    assert len(waiting) == len(asked)
    for priority in (0, 1):
        clients = [one.client for one in waiting if one.priority == priority]
        turns = [clients[:place].count(client) for place, client in enumerate(clients)]
        assert turns == sorted(turns)


@given(st.lists(st.integers(0, 10), max_size=30))
def test_ranks_are_in_the_order_of_places(places):
    waiting = []
    for wanted in places:
        place = min(wanted, len(waiting))
        rank = rank_at(place, waiting)
        new = job()
        waiting.insert(place, new)
        if rank is None:
            for number, one in enumerate(waiting):
                one.rank = number
        else:
            new.rank = rank
    assert [one.rank for one in waiting] == sorted({one.rank for one in waiting})


def test_where_no_number_is_between_two_there_is_no_rank():
    low, high = job(), job()
    low.rank, high.rank = 1.0, 1.0000000000000002
    assert rank_at(1, [low, high]) is None
