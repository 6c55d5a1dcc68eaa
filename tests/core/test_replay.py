"""The replay record names what moved pixels."""

import pytest

from sdui.core.replay import Record, differences, read, whole_batch
from sdui.core.request import GenerationRequest

HERE = Record(torch="2.14.0", device="cpu", checkpoint="a" * 64, threads=1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, ""),
        ({"pixels": "x", "batch_size": 3, "position": 2}, ""),
        ({"torch": "2.13.0"}, "torch 2.13.0 there, 2.14.0 here"),
        ({"vae": "b" * 64}, "vae bbbbbbbbbbbb there, none here"),
        ({"checkpoint": "c" * 64, "torch": "1"}, "checkpoint cccccccccccc there, aaaaaaaaaaaa here"),
        ({"adapters": {"x": "d" * 64}}, "adapters x dddddddddddd there, none here"),
        ({"init_image": "e"}, "init image e there, none here"),
    ],
)
def test_the_first_difference_in_words(change, sentence):
    found = differences(HERE.model_copy(update=change), HERE)
    assert (str(found[0]) if found else "") == sentence


def test_all_differences_are_named_in_the_records_order():
    there = HERE.model_copy(update={"device": "cuda", "torch": "2.13.0", "dtype": "float16", "pixels": "x"})
    assert [found.condition for found in differences(there, HERE)] == ["torch", "device", "dtype"]


def test_json_brings_it_back():
    assert read(HERE.model_dump_json(exclude_defaults=True)) == HERE
    assert read("no json") is None


def test_a_picture_is_drawn_again_in_its_batch():
    record = Record(batch_size=4, position=2)
    batch = whole_batch(GenerationRequest(seed=12), record)
    assert (batch.seed, batch.batch_size) == (10, 4)
    varied = whole_batch(GenerationRequest(seed=12, subseed=7, subseed_strength=0.5), record)
    assert (varied.seed, varied.subseed) == (12, 5)
