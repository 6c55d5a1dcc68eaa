"""What can be asked of the Checkpoint Merger, and how it says what is wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sdui.core.merging import ADD_DIFFERENCE, NO_INTERPOLATION, WEIGHTED_SUM, MergeRequest
from sdui.core.params import explain


def test_defaults_are_those_of_a1111():
    request = MergeRequest()
    assert (request.method, request.multiplier, request.format, request.half) == (
        WEIGHTED_SUM,
        0.3,
        "safetensors",
        False,
    )
    assert request.save_metadata and request.add_merge_recipe and request.copy_metadata


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"output": "a/b"}, "Custom Name (Optional): a plain file name without folders is needed, not 'a/b'."),
        ({"output": "..\\b"}, "Custom Name (Optional): a plain file name"),
        ({"discard_weights": "("}, "Discard weights with matching name: a regular expression is needed (missing )"),
        ({"metadata_json": "[1]"}, 'Metadata in JSON format: a JSON object such as {"a": "b"} is needed, not \'[1]\'.'),
        ({"metadata_json": "{"}, "Metadata in JSON format: a JSON object"),
        ({"multiplier": 1.5}, "Multiplier (M) - set to 0 to get model A: 1.5 is too large, at most 1"),
        ({"method": "mean"}, "Interpolation Method: there is no 'mean'; known are No interpolation, Weighted sum"),
        ({"format": "gguf"}, "Checkpoint format: there is no 'gguf'; known are ckpt, safetensors."),
    ],
)
def test_what_is_wrong_is_named(values, sentence):
    with pytest.raises(ValidationError) as caught:
        MergeRequest(**values)
    assert sentence in explain(caught.value, MergeRequest)


def test_a_method_reads_as_many_models_as_it_needs():
    names = {"primary": "a", "secondary": "b", "tertiary": "c"}
    read = {method: MergeRequest(method=method, **names).models for method in (NO_INTERPOLATION, ADD_DIFFERENCE)}
    assert read == {NO_INTERPOLATION: {"primary": "a"}, ADD_DIFFERENCE: names}


def test_metadata_that_is_no_text_becomes_json():
    assert MergeRequest(metadata_json='{"a": "b", "c": {"d": [1]}}').metadata == {"a": "b", "c": '{"d": [1]}'}
    assert MergeRequest(metadata_json="").metadata == {}
