"""Prompts are read as A1111 read them before September 2022 where that is asked for."""

import pytest

from sdui.prompt.old_emphasis import bracket_factors, chunk_prompt_old
from sdui.prompt.tokenizer import END, START


@pytest.fixture(scope="module")
def read(tokenizer):
    factors = bracket_factors(tokenizer.vocabulary())
    return lambda text: chunk_prompt_old(text, tokenizer.encode, factors)


def weights(prompt, count):
    return prompt.chunks[0].weights[1 : count + 1]


def test_brackets_change_the_weight_of_all_that_follows(read, tokenizer):
    prompt = read("a [red] (circle) [[blue")
    words = [tokenizer.encode(word)[0] for word in ("a", "red", "circle", "blue")]
    assert prompt.chunks[0].tokens == [START, *words, *[END] * 72]
    assert weights(prompt, 4) == pytest.approx([1, 1 / 1.1, 1.1, 1 / 1.21])
    assert prompt.chunks[0].weights[5:] == [1.0] * 72


def test_numbers_are_text(read, tokenizer):
    prompt = read("(red:1.5)")
    (red, *number) = tokenizer.encode("red:1.5")
    assert prompt.chunks[0].tokens[1 : len(number) + 2] == [red, *number]
    assert weights(prompt, 5) == pytest.approx([1.1] * 5)


def test_brackets_within_one_token_that_cancel_out_are_text(read, tokenizer):
    (both,) = tokenizer.encode("()")
    assert read("a () b").chunks[0].tokens[2] == both


def test_a_long_prompt_is_cut(read):
    prompt = read("(red " * 80)
    assert prompt.token_count == 80
    (chunk,) = prompt.chunks
    assert len(chunk.tokens) == len(chunk.weights) == 77
    assert chunk.weights[75] == pytest.approx(1.1**75) and chunk.tokens[76] == END


def test_without_factors_brackets_are_text(tokenizer):
    prompt = chunk_prompt_old("(red)", tokenizer.encode, {})
    assert prompt.token_count == 3 and set(prompt.chunks[0].weights) == {1.0}
