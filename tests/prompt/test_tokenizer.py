"""Text becomes the token ids that CLIP was trained on."""

from __future__ import annotations

import pytest

from sdui.prompt.tokenizer import COMMA, END, START


def test_every_golden_is_equal(goldens, tokenizer):
    cases = goldens("tokenize_raw")
    assert len(cases) == 41
    for case in cases:
        assert tokenizer.encode(case["text"]) == case["ids"], case["text"]


def test_the_named_tokens_are_the_vocabularys_own(tokenizer):
    assert tokenizer.encode("<|startoftext|>,<|endoftext|>") == [START, COMMA, END]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("A  CAT\n", "a cat"),
        ("“a”", '"a"'),
        ("\uff43\uff41\uff54", "cat"),
        ("fish &amp; chips", "fish & chips"),
        ("cafe\u0301", "café"),
    ],
)
def test_writing_of_the_same_text_does_not_matter(tokenizer, text, same):
    assert tokenizer.encode(text) == tokenizer.encode(same)


def test_nothing_is_cut_off_or_refused(tokenizer):
    assert len(tokenizer.encode("cat " * 1000)) == 1000
    assert tokenizer.encode("") == []
    assert tokenizer.encode("a\x00\ud800") != []
