"""Prompts are read as A1111 read them before September 2022 where that is asked for."""

import pytest

from sdui.prompt.names import Named
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


def test_a_name_gets_its_vectors_with_the_weight_around_it(tokenizer):
    factors, name = bracket_factors(tokenizer.vocabulary()), tokenizer.encode("ti-pt")

    def lookup(tokens, position):
        return Named(len(name), 2, "ti-pt") if tokens[position : position + len(name)] == name else None

    (chunk,) = chunk_prompt_old("red ( ti-pt ) blue", tokenizer.encode, factors, lookup).chunks
    assert [(place.position, place.key) for place in chunk.placements] == [(2, "ti-pt")]
    assert chunk.tokens[2:5] == [0, 0, *tokenizer.encode("blue")]
    assert chunk.weights[1:5] == [1.0, 1.1, 1.1, 1.0]


def test_vectors_beyond_the_only_chunk_are_lost(tokenizer):
    def lookup(tokens, position):
        return Named(1, 3, "last") if position == 80 else None

    prompt = chunk_prompt_old("a " * 81, tokenizer.encode, {}, lookup)
    assert (prompt.token_count, prompt.chunks[0].placements) == (83, [])
