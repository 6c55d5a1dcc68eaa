"""Parameters of extensions in a request: validated, written into the text, read back, taken from A1111's bodies."""

from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from sdui.core import groups, infotext
from sdui.core.a1111_body import request_from
from sdui.core.errors import LaunchError, RequestError
from sdui.core.groups import Group, having, script_of, values_of, with_groups, without
from sdui.core.params import Param, flatten
from sdui.core.request import GenerationRequest


class Glow(Group):
    name: ClassVar[str] = "glow"
    title: ClassVar[str] = "Glow around things"
    strength: Annotated[float, Field(ge=0, le=1), Param("Strength", infotext="Glow strength")] = 0.5
    colour: Annotated[str, Param("Colour", infotext="Glow colour")] = "white"


class Sheet(Group):
    name: ClassVar[str] = "sheet"
    title: ClassVar[str] = "Sheet"
    place: ClassVar[groups.Place] = "script"
    kinds: ClassVar[tuple[groups.Kind, ...]] = ("img2img",)
    rows: Annotated[int, Field(ge=1, le=9), Param("Rows", infotext="Sheet rows")] = 2
    words: Annotated[tuple[str, ...], Param("Words")] = ()


REQUEST = with_groups(GenerationRequest, [Glow, Sheet])


def test_a_group_is_off_until_it_is_asked_for():
    assert values_of(REQUEST(), Glow) is None
    assert values_of(REQUEST.model_validate({"extensions": {"glow": {}}}), Glow) == Glow()
    assert values_of(GenerationRequest(), Glow) is None


def test_values_are_validated_under_their_labels():
    with pytest.raises(RequestError, match=r"Strength: 2.* is too large, at most 1"):
        request_from({"extensions": {"glow": {"strength": 2}}}, "txt2img", model=REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        {"extensions": {"glow": {"strength": 0.25}}},
        {"alwayson_scripts": {"glow AROUND things": {"args": [0.25]}}},
        {"alwayson_scripts": {"Glow": {"args": {"strength": 0.25}}}},
    ],
)
def test_api_fields_by_name_and_by_place(body):
    request, unused, _ = request_from(body, "txt2img", model=REQUEST)
    assert values_of(request, Glow) == Glow(strength=0.25) and not unused


def test_a_script_by_its_title_in_any_case():
    request, *_ = request_from({"script_name": "SHEET", "script_args": [None, ["a"]]}, "txt2img", model=REQUEST)
    assert script_of(request) == Sheet(words=("a",))


def test_unknown_names_are_refused_by_name():
    with pytest.raises(RequestError, match="script_name: there is no script 'Other'"):
        request_from({"script_name": "Other"}, "txt2img", model=REQUEST)
    with pytest.raises(RequestError, match=r"extensions: there is no 'other'; known are glow, sheet"):
        request_from({"extensions": {"other": {}}}, "txt2img", model=REQUEST)


@pytest.mark.parametrize(
    "values", [Glow(), Glow(strength=0.75), Glow(colour="a, b: c"), Sheet(), Sheet(rows=3)], ids=str
)
def test_the_text_of_a_picture_switches_it_on_again(values):
    text = infotext.write(having(REQUEST(), values), {})
    assert infotext.read(text, REQUEST).extensions == having(REQUEST(), values).extensions
    assert ("Script: Sheet" in text) == isinstance(values, Sheet)


def test_without_the_extension_its_keys_are_a_strangers_and_carried_through():
    text = infotext.write(having(REQUEST(), Glow(strength=0.75)), {})
    assert infotext.read(text).others == {"Glow strength": "0.75"}
    assert infotext.write(infotext.read(text), {}).count("Glow strength: 0.75") == 1


def test_a_request_is_json_and_back_and_can_be_switched_off():
    request = having(REQUEST(), Glow(strength=0.75))
    assert REQUEST.model_validate_json(request.model_dump_json()) == request
    assert flatten(request)["extensions.glow.strength"] == 0.75
    assert without(request, Glow) == REQUEST()


def test_element_ids_as_a1111_has_them():
    assert groups.elem_id(Glow, "txt2img") == "script_txt2img_glow_around_things"
    assert groups.elem_id(Sheet, "img2img") == "script_sheet"


def test_two_groups_of_one_name_are_refused():
    with pytest.raises(LaunchError, match="'glow'"):
        with_groups(GenerationRequest, [Glow, Glow])
