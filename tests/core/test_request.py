"""A request is valid or refused; sizes are what a latent can hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sdui.core.params import explain
from sdui.core.request import GenerationRequest


def test_sizes_are_rounded_down_to_latent_cells():
    assert (GenerationRequest(width=507, height=676).width, GenerationRequest(height=676).height) == (504, 672)


def test_a_giant_picture_is_refused_by_name():
    with pytest.raises(ValidationError) as error:
        GenerationRequest(width=100_000)
    assert explain(error.value, GenerationRequest) == "Width: 100000 is too large, at most 16384."


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value):
    with pytest.raises(ValidationError):
        GenerationRequest(cfg_scale=value)


def test_json_keeps_everything():
    request = GenerationRequest(prompt="猫\n", seed=2**63 - 1, cfg_scale=7.25)
    assert GenerationRequest.model_validate_json(request.model_dump_json()) == request
