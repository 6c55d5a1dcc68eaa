"""The token counter shows what A1111's does."""

from __future__ import annotations

from sdui.prompt.counter import count_tokens
from sdui.prompt.styles import StyleDatabase

from .conftest import GOLDENS


def test_every_golden_is_equal(goldens, tokenizer):
    cases, styles = goldens("token_counter_ui"), StyleDatabase.read([GOLDENS / "styles.csv"])
    assert len(cases) == 24
    for case in cases:
        negative = not case["is_positive"]
        text = styles.apply(case["text"], case["styles"], negative=negative)
        used, room = count_tokens(text, case["steps"], tokenizer.encode, negative=negative)
        assert f"{used}/{room}" == case["out"], case["text"]
