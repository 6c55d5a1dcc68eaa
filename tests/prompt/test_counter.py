"""The token counter shows what A1111's does."""

from __future__ import annotations

from sdui.prompt.counter import count_tokens
from sdui.prompt.names import Named
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


def test_the_vectors_of_names_are_counted(tokenizer):
    def lookup(tokens, position):
        return Named(1, 74, "many") if position == 0 else None

    assert count_tokens("a cat", 20, tokenizer.encode, lookup=lookup) == (75, 75)
    assert count_tokens("a black cat", 20, tokenizer.encode, lookup=lookup) == (76, 150)
