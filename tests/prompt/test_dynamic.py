"""Dynamic prompts: what is chosen, how often, and what stays as it is."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core.errors import RequestError
from sdui.prompt.dynamic import expanded, is_dynamic
from sdui.prompt.wildcards import Wildcards

LINES = {"colour": ["red", "blue"], "deep": ["a __colour__ thing"], "round": ["__round__ and round"]}
plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}_|$"))


def made(text, seed=0):
    return expanded(text, random.Random(seed), lambda name: LINES.get(name, []))


def all_of(text):
    return {made(text, seed) for seed in range(60)}


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("a {red|blue} house", {"a red house", "a blue house"}),
        ("{|very }old", {"old", "very old"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{2$$a|b}", {"a, b", "b, a"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{0-1$$a}", {"", "a"}),
        ("{-1$$a}", {"", "a"}),
        ("{5$$a|b}", {"a, b", "b, a"}),
        ("{0::a|1::b}", {"b"}),
        ("__colour__", {"red", "blue"}),
        ("__deep__", {"a red thing", "a blue thing"}),
        ("{2$$__colour__}", {"red, blue", "blue, red"}),
        ("__nowhere__", {"__nowhere__"}),
    ],
)
def test_choices(text, results):
    assert all_of(text) == results and is_dynamic(text)


@pytest.mark.parametrize(
    "text", ["{word}", r"\{a|b\}", "[a|b]", "(a:1.2)", "<lora:x__y:1>", "{a|b", "a|b}", "snake__case"]
)
def test_what_means_something_else_stays(text):
    assert all_of(text) == {text}


def test_weights_count():
    counts = Counter(made("{3::a|b}", seed) for seed in range(400))
    assert 240 < counts["a"] < 360


def test_the_same_seed_chooses_the_same():
    assert made("{a|b|c} __colour__", 5) == made("{a|b|c} __colour__", 5)


def test_wildcards_without_end_are_named():
    with pytest.raises(RequestError, match="without end"):
        made("__round__")


@given(plain)
def test_a_text_without_the_form_is_unchanged(text):
    assert made(text) == text


@given(st.text("{}|$_a:1\\-", max_size=60))
def test_any_text_ends(text):
    made(text)


def test_files_and_trees(tmp_path):
    (tmp_path / "animals").mkdir()
    (tmp_path / "animals/Cats.txt").write_text("# kinds\n\ntabby\n2::tiger cat\n")
    (tmp_path / "more.yaml").write_text("sky:\n  day: [sun, cloud]\n  night:\n    - moon\n")
    (tmp_path / "broken.yaml").write_text("a: [")
    wildcards = Wildcards([tmp_path])
    assert wildcards.names() == ["animals/cats", "sky/day", "sky/night"]
    assert wildcards.lines("animals/cats") == wildcards.lines("CATS") == ["tabby", "2::tiger cat"]
    assert wildcards.lines("sky/*") == ["sun", "cloud", "moon"]
    assert wildcards.lines("../secrets") == []
