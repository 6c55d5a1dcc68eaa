"""The token counter shows what A1111's does."""

from __future__ import annotations

from sdui.prompt.counter import count_tokens


def test_every_golden_without_styles_is_equal(goldens, tokenizer):
    cases = [case for case in goldens("token_counter_ui") if not case["styles"]]
    assert len(cases) == 16
    for case in cases:
        used, room = count_tokens(case["text"], case["steps"], tokenizer.encode, negative=not case["is_positive"])
        assert f"{used}/{room}" == case["out"], case["text"]
