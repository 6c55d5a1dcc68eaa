"""Captions say what a scene shows, in words that the vocabulary has."""

import random

import pytest

from sdui.demo.captions import UNKNOWN, caption, prompt_for
from sdui.demo.scenes import Scene, Thing, training_scenes
from sdui.demo.vocabulary import vocabulary_of
from sdui.prompt.tokenizer import Tokenizer


@pytest.mark.parametrize(
    ("scene", "prompt"),
    [
        (Scene((Thing("cat"),)), "a cat"),
        (Scene((Thing("apple", "green"),)), "a green apple"),
        (Scene((Thing("owl"),), "flat"), "an owl, flat style"),
        (
            Scene((Thing("unicorn", "orange"),), "icon", "orange"),
            "an orange unicorn on an orange background, icon style",
        ),
        (Scene((Thing("cherry"),)), "a cherry"),
        (Scene((Thing("fox"), Thing("fox"))), "two foxes"),
        (Scene((Thing("fish", "red"),) * 3, "3d", "blue"), "three red fish on a blue background"),
        (Scene((Thing("cat"), Thing("dog", "blue"))), "a cat and a blue dog"),
    ],
)
def test_the_plainest_words_for_a_scene(scene, prompt):
    assert prompt_for(scene) == prompt


def test_captions_vary_and_are_the_same_for_the_same_chance():
    scene = Scene((Thing("cat", "red"),), "flat", "blue")
    said = [caption(scene, random.Random(seed)) for seed in range(40)]
    assert len(set(said)) > 10
    assert said == [caption(scene, random.Random(seed)) for seed in range(40)]
    whole = [text for text in said if "cat" in text or "kitten" in text]
    assert len(whole) > 30
    assert all("red" in text and "blue background" in text and "flat" in text for text in whole)


def test_every_token_of_every_caption_is_in_the_vocabulary():
    tokenizer, rng = Tokenizer(), random.Random(1)
    known = set(vocabulary_of(3).used)
    for scene in training_scenes(3):
        said = caption(scene, rng).replace(UNKNOWN, "")
        assert set(tokenizer.encode(said)) <= known, said
