"""Whatever is typed, the prompt language answers, and with work proportional to the length."""

from __future__ import annotations

import random
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdui.prompt.attention import BREAK, parse_attention
from sdui.prompt.chunks import chunk_prompt
from sdui.prompt.comments import without_comments
from sdui.prompt.composition import parse_composition
from sdui.prompt.counter import count_tokens
from sdui.prompt.extra_networks import parse_extra_networks
from sdui.prompt.schedule import schedule
from sdui.prompt.styles import Style, StyleDatabase

MARKS = ["(", ")", "[", "]", ":", "|", "\\", "\\(", "\\]", "<", ">", "=", ",", ".", "-", " ", "\n"]
WORDS = ["a", "BREAK", " BREAK ", "AND", " AND ", "0.5", "3", ":1.2)", "1e3", "猫", "한", "🐱", "\ud800", "<lora:x:1>"]
PHRASES = ["(a:1.3)", "[a:b:0.5]", "[a::3]", "[:b:1.5]", "[a|b]", "[[a]]", "((b))"]
prompts = st.text(max_size=40) | st.lists(st.sampled_from(MARKS + WORDS + PHRASES), max_size=20).map("".join)
nested = st.recursive(
    st.sampled_from(WORDS[:10]),
    lambda inner: st.tuples(st.sampled_from(["({}{})", "[{}{}]", "[{}:{}:.5]", "[{}|{}]", "({}:{}"]), inner, inner).map(
        lambda parts: parts[0].format(parts[1], parts[2])
    ),
    max_leaves=8,
)
examples = settings(max_examples=500, deadline=None, derandomize=True, database=None)


@examples
@given(prompts | nested)
def test_emphasis(prompt):
    pieces = parse_attention(prompt)
    assert pieces
    assert all(piece.weight != after.weight for piece, after in pairwise(pieces))
    assert sum(len(piece.text) for piece in pieces) <= len(prompt)


@examples
@given(st.text(max_size=30).filter(lambda text: BREAK.text not in text))
def test_an_escaped_text_is_itself(text):
    escaped = "".join("\\" + char if char in "()[]\\" else char for char in text)
    assert parse_attention(escaped) == [(text, 1.0)]


@examples
@given(prompts | nested, st.integers(1, 30), st.none() | st.integers(1, 30), st.booleans())
def test_schedule(prompt, steps, hires_steps, old):
    timed = schedule(prompt, steps, hires_steps, old)
    untils = [until for until, _ in timed]
    assert untils == sorted(set(untils))
    assert untils[0] >= 1
    assert untils[-1] == (steps if old or hires_steps is None else hires_steps)
    assert all(len(text) <= len(prompt) for _, text in timed)


@examples
@given(prompts)
def test_composition_and_networks(prompt):
    text, networks = parse_extra_networks(prompt)
    parts = parse_composition(text)
    assert len(text) <= len(prompt) - 4 * len(networks)
    assert parts
    assert sum(len(part.text) for part in parts) <= len(text)


@settings(examples, max_examples=150)
@given(prompts, st.integers(0, 75))
def test_chunks_hold_every_token_in_order(tokenizer, prompt, backtrack):
    pieces = parse_attention(prompt * 8)
    chunks = chunk_prompt(pieces, tokenizer.encode, backtrack=backtrack).chunks
    assert all(len(chunk.tokens) == len(chunk.weights) == 77 for chunk in chunks)
    typed = [token for piece in pieces if piece != BREAK for token in tokenizer.encode(piece.text)]
    held = [token for chunk in chunks for token in chunk.tokens[1 : chunk.tokens.index(49407)]]
    assert held == typed


def random_prompts(count):
    """Made of what the language means something by, with any character between."""
    chance = random.Random(3)
    parts = MARKS + WORDS + PHRASES + ["{prompt}", "#", "\r", "\x00", "\u2028", "<lora:x:0.5:a=b>", ":1.", ":.5)"]
    for _ in range(count):
        some = chance.choices(parts, k=chance.randint(0, 12))
        for _ in range(chance.randint(0, 3)):
            character = chr(chance.randrange(chance.choice([0x80, 0x3000, 0x10000, 0x110000])))
            some.insert(chance.randint(0, len(some)), character)
        yield "".join(some)


def few_tokens(text):
    return [300] * len(text.split())


def test_twenty_thousand_prompts_go_all_the_way(tokenizer):
    """As the page takes them: styles, networks, AND, schedule, emphasis, chunks."""
    styles = StyleDatabase([Style("a", "(x {prompt}:1.2)", "[y"), Style("b", "z|", "{prompt}) {prompt}")])
    for number, prompt in enumerate(random_prompts(20_000)):
        positive, negative = styles.apply(prompt, "ab"), styles.apply(prompt, "ba", negative=True)
        assert styles.extract(positive, negative)
        # The tokenizer is the slow part, and sees each kind of prompt often enough.
        encode = tokenizer.encode if number % 100 == 0 else few_tokens
        used, room = count_tokens(without_comments(negative if number % 2 else positive), 4, encode)
        assert 0 <= used <= room


LONG = 20_000
HARD = {
    "prose": "a cat, (sitting:1.2) on [a mat:the sofa:0.5], 猫🐱, <lora:x:0.8> BREAK AND ",
    "open round": "(",
    "open square with text": "[a",
    "crossing": "(a[b",
    "open edits": "[a:",
    "open alternations": "[a|",
    "alternations": "[a|b]",
    "colons": ":1 ",
    "backslashes": "\\",
    "spaces": " ",
    "line breaks": "\n",
    "open tags": "<a:",
    "breaks": " BREAK",
}


def parse_all(prompt: str) -> list:
    return [parse_attention(prompt), schedule(prompt, 20), parse_composition(prompt), parse_extra_networks(prompt)]


def test_a_hundred_thousand_characters_are_read_at_once():
    """On the processor's clock, of five runs the best: other programs may run beside the tests."""
    prompt, took = HARD["prose"] * (100_000 // len(HARD["prose"])), []
    for _ in range(5):
        begin = time.process_time()
        parse_all(prompt)
        took.append(time.process_time() - begin)
    assert min(took) < 0.2


def work(prompt: str) -> int:
    """Calls made to parse it: unlike seconds, the same on every machine."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        parse_all(prompt)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("part", HARD.values(), ids=HARD.keys())
def test_four_times_the_text_is_at_most_four_times_the_work(part):
    short, long = (work(part * (length // len(part))) for length in (LONG // 4, LONG))
    assert long < 4.5 * short + 200


@pytest.mark.parametrize(
    "opening,closing", [("(", ")"), ("[", "]"), ("[a:", ":3]"), ("[", "|b]"), ("(a:1.1", ")"), ("([", "])")]
)
def test_brackets_may_nest_ten_thousand_deep(opening, closing):
    prompt = opening * 10_000 + "a" + closing * 10_000
    assert all(parse_all(prompt))
