"""Prompt editing and alternation read as in A1111."""

from __future__ import annotations

import pytest

from sdui.prompt.schedule import schedule

TIES = {
    ":1.2), [x:y:0.3]::1.2)(",
    "[x:y:0.3](\\[:z:5]:b cb c :1.2)0.5:[q::0.6]",
    "[x|y]([:z:5]]1.4[x:y:0.3]b c1.4",
    ")])1.4, :1.2)[q::0.6])[x:y:0.3]:[:z:5][:z:5]",
    "[(b c[q::0.6][q::0.6]][x|y]:a",
    "ab c[:z:5](]",
    "[q::0.6][:z:5])a(3[b c[)[x:y:0.3]1.4",
    "[x:y:0.3]][q::0.6]\\:1.2)",
    "1.4[q::0.6]][x:y:0.3]]",
    "[x|y]a][x:y:0.3]:a [x|y]:1.2)[",
    "[[q::0.6]])[:z:5]:1.2)[, [:z:5]b c",
    "[a:b:0.5]]",
}
"""An edit right before a stray bracket or colon: A1111 took one of two readings by string hashes (see the module)."""


def run(case):
    return schedule(case["prompt"], case["base_steps"], case["hires_steps"], case["use_old_scheduling"])


def test_every_golden_but_the_ties_is_equal(goldens):
    cases = goldens("prompt_schedules")
    assert len(cases) == 905
    assert {case["prompt"] for case in cases if [list(timed) for timed in run(case)] != case["out"]} == TIES


@pytest.mark.parametrize(
    ("prompt", "first", "last"),
    [
        ("[a:b:0.5]]", "a]", "b]"),
        ("[a:b:0.5](", "a(", "b("),
        (")[a:b:0.5]:", ")a:", ")b:"),
        ("[[a:b:0.5]])", "[a])", "[b])"),
    ],
)
def test_an_edit_counts_beside_a_stray_mark(prompt, first, last):
    assert schedule(prompt, 10) == [(5, first), (10, last)]


@pytest.mark.parametrize(
    ("prompt", "step"),
    [
        ("[a:b:3]", 3),
        ("[a:b:.25]", 5),
        ("[a:b: 1e1 ]", 10),
        ("[a:b:+0.5]", 10),
        ("[a:b:1e-1]", None),
        ("[a:b:-2]", None),
    ],
)
def test_when_is_a_step_or_with_a_point_a_fraction(prompt, step):
    assert schedule(prompt, 20) == ([(step, "a")] if step else []) + [(20, "b")]


@pytest.mark.parametrize("when", ["20", "99", "1.0", "1e999", "9" * 400])
def test_a_change_after_the_last_step_never_comes(when):
    assert schedule(f"[a:b:{when}]", 20) == [(20, "a")]


def test_the_hires_pass_goes_on_where_the_first_ended():
    assert schedule("[a:b:12]", 10, 8) == [(2, "a"), (8, "b")]
    assert schedule("[a:b:1.5]", 10, 8) == [(4, "a"), (8, "b")]
    assert schedule("[a:b:0.5]", 10, 8) == [(8, "b")]


def test_old_scheduling_knows_the_first_pass_only():
    assert schedule("[a:b:1.5]", 10, 8, old=True) == [(1, "a"), (10, "b")]


def test_alternation_begins_with_the_first_option_and_changes_every_step():
    assert [text for _, text in schedule("[猫|개|]!", 4)] == ["猫!", "개!", "!", "猫!"]


def test_edits_nest():
    assert schedule("a [b:[c:d:4]:2]", 6) == [(2, "a b"), (4, "a c"), (6, "a d")]


@pytest.mark.parametrize("prompt", ["[a:b:3] |", "[a:b:3] (c|d)", "[a:b:3] [c|d:e]", "[a:b:3]\\", "[a:b:3]\\\n"])
def test_a_lone_bar_or_backslash_makes_the_whole_prompt_plain(prompt):
    assert schedule(prompt, 10) == [(10, prompt)]


@pytest.mark.parametrize(
    "prompt", ["", "a", "(a:1.2)", "[a]", "[a:b]", "[a:b:c:3]", "[a:b:x]", r"\[a:b:3\]", "a: b", "]["]
)
def test_other_text_stays_as_it_is(prompt):
    assert schedule(prompt, 10) == [(10, prompt)]
