"""What is said of a prompt's brackets, tags and edits; nothing of a good one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdui.prompt.remarks import syntax_remarks


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a (red:1.3) apple, [low], ((very)) red",
        r"a smile \:\) \( and \]",
        "[cat:dog:0.5] [x:3] [x::3] [a|b|c] [(a:1.2):b: .5 ]",
        "<lora:name (v2:1> a cat",
        r"a :\) b",
        "(a:1.2) time: 10:30",
    ],
)
def test_a_good_prompt_is_left_in_peace(prompt):
    assert syntax_remarks(prompt) == []


@pytest.mark.parametrize(
    ("prompt", "remark"),
    [
        ("a (red apple", "“(red apple” is never closed."),
        ("a [red (apple]", "“(apple]” is never closed."),
        ("a red) apple", "Nothing opens the ) in “a red)”."),
        ("a <lora:name", "“<lora:name” is never closed by a >."),
        ("a <lora:> b", "“<lora:>” names no file."),
        ("[a:b:x]", "“[a:b:x]” is read as plain text: after the last colon must be a number, as in [from:to:0.5]."),
        ("[a:b]", "“[a:b]” is read as plain text: after the last colon must be a number, as in [from:to:0.5]."),
        ("[a:b:c:0.5]", "“[a:b:c:0.5]” is read as plain text: it has more than two colons."),
        ("[a|b:0.5]", "“[a|b:0.5]” is read as plain text: it has both : and |."),
    ],
)
def test_a_slip_is_quoted_and_explained(prompt, remark):
    assert syntax_remarks(prompt) == [remark]


def test_there_are_few_remarks_and_short_quotes():
    remarks = syntax_remarks("(" * 50 + "word " * 50)
    assert len(remarks) == 5
    assert all(len(remark) < 60 for remark in remarks)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.text(st.sampled_from("([)]<>:|\\ lora1.5ä\n")))
def test_any_text_can_be_read(text):
    assert all(isinstance(remark, str) for remark in syntax_remarks(text))
