"""AND reads as in A1111."""

from __future__ import annotations

import pytest

from sdui.prompt.composition import parse_composition


def test_every_golden_is_equal(goldens):
    cases = goldens("multicond_prompt_list")
    assert len(cases) == 25
    for case in cases:
        prompts = case["prompt"] if isinstance(case["prompt"], list) else [case["prompt"]]
        flat: dict[str, int] = {}
        parts = [
            [[flat.setdefault(part.text, len(flat)), part.weight] for part in parse_composition(prompt)]
            for prompt in prompts
        ]
        assert parts == case["res_indexes"], case["prompt"]
        assert list(flat) == case["flat"]


@pytest.mark.parametrize("weight", ["1e3", "x", "", "1.2.3", "nan", "inf", "0x1", "1_0"])
def test_what_is_no_number_after_a_colon_is_text(weight):
    assert parse_composition(f"a :{weight}") == [(f"a :{weight}", 1.0)]


def test_a_weight_may_stand_apart_and_be_negative():
    assert parse_composition("a\n: -.5 \n AND b:2.") == [("a", -0.5), (" b", 2.0)]
