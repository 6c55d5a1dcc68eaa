"""Emphasis reads as in A1111."""

from __future__ import annotations

import pytest

from sdui.prompt.attention import BREAK, Piece, parse_attention


def test_every_golden_is_equal_to_the_bit(goldens):
    cases = [case for case in goldens("parse_prompt_attention") if "error" not in case["out"]]
    assert len(cases) == 238
    for case in cases:
        assert [list(piece) for piece in parse_attention(case["prompt"])] == case["out"], case["prompt"]


@pytest.mark.parametrize("prompt", ["(a:.)", "(a:1.2.3)", "(a:+)", "(a:--1)"])
def test_what_is_no_number_is_text(prompt):
    assert parse_attention(prompt) == [(prompt[1:-1], 1.1)]


def test_brackets_of_two_kinds_may_cross():
    a, b, c = parse_attention("(a[b)c]")
    assert (a.weight, c.weight) == (1.1, 1 / 1.1)
    assert b == ("b", 1.1 * (1 / 1.1))


def test_break_stands_alone_and_takes_the_space_around_it():
    assert parse_attention("a  BREAK\n b") == [("a", 1.0), BREAK, ("b", 1.0)]


def test_break_inside_emphasis_is_a_word_as_in_a1111():
    assert BREAK not in parse_attention("(a BREAK b:1.2)")


def test_break_in_lower_case_or_inside_a_word_is_text():
    assert parse_attention("break BREAKfast") == [("break BREAKfast", 1.0)]


def test_weights_deeper_than_anyone_types_are_the_product_of_their_factors():
    (outside, inside) = parse_attention("(" * 40 + "[" * 40 + "a" + "]" * 39 + "b")
    assert outside.weight == pytest.approx(1.0)
    assert inside == ("b", pytest.approx(1.1**39))


def test_an_escaped_prompt_is_itself_again():
    assert parse_attention(r"\(a\) \[b\] \\ 猫🐱") == [Piece(r"(a) [b] \ 猫🐱", 1.0)]
