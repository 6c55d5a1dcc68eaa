"""Declared once: bounds, nesting and messages follow from the declaration."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from sdui.core.params import Param, Params, declared, explain, nest
from sdui.core.request import GenerationRequest


class Stage(Params):
    scale: Annotated[float, Field(ge=1, le=4), Param("Upscale by", a1111="hr_scale")] = 2.0


class Example(Params):
    steps: Annotated[int, Field(ge=1, le=150), Param("Sampling steps", infotext="Steps")] = 20
    name: Annotated[str, Param("Name")] = "a"
    hires: Stage | None = None


def test_stages_are_declared_in_place():
    assert [(d.path, d.name) for d in declared(Example)] == [
        ("steps", "steps"),
        ("name", "name"),
        ("hires.scale", "hr_scale"),
    ]


def test_bounds():
    assert [d.bounds() for d in declared(Example)] == [(1, 150), (None, None), (1, 4)]


def test_value_in_a_stage_that_is_off():
    scale = list(declared(Example))[-1]
    assert scale.of(Example()) is None
    assert scale.of(Example(hires=Stage(scale=3))) == 3


def test_flat_names_become_a_tree():
    assert nest({"steps": 5, "hires.scale": 3}) == {"steps": 5, "hires": {"scale": 3}}
    assert Example.model_validate(nest({"steps": 5, "hires.scale": 3})).hires == Stage(scale=3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 1000}, "Sampling steps: 1000 is too large, at most 150."),
        ({"steps": 0}, "Sampling steps: 0 is too small, at least 1."),
        ({"hires": {"scale": 9}}, "Upscale by: 9 is too large, at most 4.0."),
        ({"speed": 1}, "speed: there is no such parameter."),
    ],
)
def test_a_wrong_value_is_explained_as_the_page_names_it(given, message):
    with pytest.raises(ValidationError) as error:
        Example.model_validate(given)
    assert explain(error.value, Example) == message


def test_every_wrong_value_is_named():
    with pytest.raises(ValidationError) as error:
        Example.model_validate({"steps": "x", "name": 3})
    assert [line.split(":")[0] for line in explain(error.value, Example).splitlines()] == ["Sampling steps", "Name"]


def test_nothing_can_be_changed_afterwards():
    with pytest.raises(ValidationError):
        Example().steps = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_a_wrong_kind_of_value_is_told_in_plain_words():
    with pytest.raises(ValidationError) as raised:
        GenerationRequest(width=None, seed="abc", cfg_scale="much")
    assert explain(raised.value, GenerationRequest).split("\n") == [
        "CFG Scale: a number is needed, not 'much'.",
        "Seed: a whole number is needed, not 'abc'.",
        "Width: a whole number is needed, not nothing.",
    ]
