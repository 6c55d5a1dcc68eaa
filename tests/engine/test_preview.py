"""How often a picture that forms may be shown."""

from __future__ import annotations

import torch

from sdui.engine.preview import PreviewBudget

LATENTS = torch.zeros(1)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_previews_take_two_percent_of_the_time_at_most():
    clock = Clock()
    budget = PreviewBudget(clock)
    shown = []
    for step in range(200):
        clock.now += 0.1
        if budget.allows():
            shown.append(step)
            with budget.spending(LATENTS):
                clock.now += 0.01
    assert shown[0] == 0, "the first one comes at once"
    spent = 0.01 * len(shown)
    assert 0.015 < spent / (clock.now - 100) <= 0.02


def test_cheap_previews_all_come():
    clock = Clock()
    budget = PreviewBudget(clock)
    for _ in range(50):
        clock.now += 1
        assert budget.allows()
        with budget.spending(LATENTS):
            clock.now += 0.01


def test_one_that_fails_has_cost_its_time():
    clock = Clock()
    budget = PreviewBudget(clock)
    try:
        with budget.spending(LATENTS):
            clock.now += 5
            raise ValueError
    except ValueError:
        pass
    assert not budget.allows()
