"""Long prompts fall into chunks as in A1111."""

from __future__ import annotations

import pytest

from sdui.prompt.attention import Piece, parse_attention
from sdui.prompt.chunks import chunk_prompt, room_for
from sdui.prompt.tokenizer import COMMA, END


def words(text: str) -> list[int]:
    return [COMMA if word == "," else int(word) for word in text.split()]


def test_every_golden_is_equal(goldens, tokenizer):
    cases = goldens("token_chunks")
    assert len(cases) == 105
    for case in cases:
        plain = case.get("emphasis") == "None"
        pieces = [Piece(case["prompt"], 1.0)] if plain else parse_attention(case["prompt"])
        prompt = chunk_prompt(pieces, tokenizer.encode, backtrack=case["backtrack"])
        assert (prompt.token_count, room_for(prompt.token_count)) == (case["token_count"], case["max"]), case["prompt"]
        chunks = [{"tokens": chunk.tokens, "multipliers": chunk.weights} for chunk in prompt.chunks]
        assert chunks == case["chunks"], case["prompt"]


@pytest.mark.parametrize(("after_comma", "first_chunk"), [(19, 56), (20, 75)])
def test_a_full_chunk_ends_at_a_comma_that_is_near(after_comma, first_chunk):
    text = "1 " * (74 - after_comma) + ", " + "2 " * (after_comma + 1)
    first, second = chunk_prompt([Piece(text, 1.0)], words).chunks
    assert first.tokens.index(END) - 1 == first_chunk
    assert second.tokens.index(END) - 1 == 76 - first_chunk


def test_break_starts_a_new_chunk():
    prompt = chunk_prompt(parse_attention("1 BREAK 2"), words)
    assert [chunk.tokens[1:3] for chunk in prompt.chunks] == [[1, END], [2, END]]
    assert prompt.token_count == 76
