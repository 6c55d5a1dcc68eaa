"""The text in a picture restores the request that made it, also when A1111 wrote it."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core import infotext
from sdui.core.params import declared, nest
from sdui.core.request import GenerationRequest
from sdui.core.stages import InitImage

GOLDENS = Path(__file__).parent / "goldens"


NOT_YET = ("First pass size", "Hypernet:")
"""Old forms of hires fix and of hypernetworks, which a request cannot express yet."""


def cases(name):
    every = json.loads((GOLDENS / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in every if not any(word in case.get("infotext", "") for word in NOT_YET)]


@pytest.mark.parametrize("case", cases("infotext_quote"), ids=lambda case: repr(case["in"]))
def test_quotes_like_a1111(case):
    assert infotext.quote(case["in"]) == str(case["quoted"])
    assert infotext.unquote(str(case["quoted"])) == case["unquoted"]


@pytest.mark.parametrize("case", cases("infotext_unquote"), ids=lambda case: case["in"])
def test_unquotes_like_a1111(case):
    assert infotext.unquote(case["in"]) == case["out"]


@pytest.mark.parametrize("case", cases("infotext_parse"), ids=lambda case: repr(case["infotext"][:40]))
def test_takes_apart_like_a1111(case):
    found, expected = infotext.parse(case["infotext"]), case["out"]
    assert (found.prompt, found.negative_prompt) == (expected["Prompt"], expected["Negative prompt"])
    for key, value in found.pairs.items():
        if key in expected:  # A1111 renames and splits some
            assert value == str(expected[key]), key


BETTER = "a Steps: 20, Sampler: Euler a"
"""A recipe on one line, of which A1111 makes a parameter called "a Steps"."""
READ_ALIKE = [case for case in cases("infotext_parse") if not case["infotext"].startswith(BETTER)]


@pytest.mark.parametrize("case", READ_ALIKE, ids=lambda case: repr(case["infotext"][:40]))
def test_reads_what_a1111_reads(case):
    request, expected = infotext.read(case["infotext"]), case["out"]
    assert (request.prompt, request.negative_prompt) == (expected["Prompt"], expected["Negative prompt"])
    for field, key in {"steps": "Steps", "seed": "Seed", "width": "Size-1", "height": "Size-2"}.items():
        if key in expected:
            assert getattr(request, field) == int(expected[key])
    if "CFG scale" in expected:
        assert request.cfg_scale == float(expected["CFG scale"])
    if "Clip skip" in expected:
        assert request.clip_skip == int(expected["Clip skip"])


def lines(least: int = 0) -> st.SearchStrategy[str]:
    """Text of one or more lines as a prompt box gives it, without outer blanks, which no infotext keeps."""
    line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(str.strip)
    words = st.lists(line | st.sampled_from(["Steps: 3, Sampler: x, Seed: 5", "a:b", '"', "\\", "(a:1.2), b"]))
    return words.map("\n".join).map(str.strip).filter(lambda text: len(text) >= least)


def names() -> st.SearchStrategy[str]:
    """Names of files and samplers; a name wrapped in quotation marks is beyond A1111's format."""
    signs = string.ascii_letters + string.digits + ' -+_.,:;()[]{}<>\\/"猫'
    return st.text(signs, min_size=1).map(str.strip).filter(lambda name: name and name[0] != '"')


def values(d):
    low, high = d.bounds()
    if d.path in ("seed_resize_from_w", "seed_resize_from_h"):
        return st.just(0)
    if d.path in ("prompt", "negative_prompt"):
        return lines().filter(lambda text: "Negative prompt:" not in text)
    if d.path in ("width", "height"):
        return st.integers(low // 8, high // 8).map(lambda cells: cells * 8)
    if isinstance(d.param.choices, tuple):
        return st.sampled_from(d.param.choices)
    of_type = {int: st.integers(low, high), float: st.floats(low, high), str: names(), bool: st.booleans()}
    return of_type[d.field.annotation] if d.param.infotext else st.just(d.field.default)


# The picture that img2img starts from is not in the text, so neither is what is done to it.
WRITTEN = [d for d in declared(GenerationRequest) if not d.path.startswith(("init.", "hires.", "refiner."))]


@given(st.fixed_dictionaries({d.path: values(d) for d in WRITTEN}))
def test_every_parameter_survives_the_way_through_the_text(given_values):
    request = GenerationRequest.model_validate(nest(given_values))
    assert infotext.read(infotext.write(request, {"Version": "sdui 1, or: so"})) == request


@given(st.text())
def test_reads_anything(text):
    infotext.read(text)


@given(st.text(alphabet='a:,"\\ \n9'))
def test_quoting_is_undone(text):
    wrapped = len(text) > 1 and text[0] == text[-1] == '"' and not any(c in text for c in ",\n:")
    assert infotext.unquote(infotext.quote(text)) == text or wrapped


def test_writes_what_a1111_writes():
    request = GenerationRequest(
        prompt="a cat", negative_prompt="dog", seed=7, cfg_scale=7.5, model="m", model_hash="0123456789", clip_skip=2
    )
    assert infotext.write(request, {"Version": "v1"}) == (
        "a cat\nNegative prompt: dog\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Automatic, CFG scale: 7.5, Seed: 7, Size: 512x512, "
        "Model hash: 0123456789, Model: m, Clip skip: 2, Version: v1"
    )


def test_sampler_names_from_before_schedules():
    old = infotext.read("a\nSteps: 5, Sampler: DPM++ 2M Karras, Seed: 1")
    assert (old.sampler, old.schedule) == ("DPM++ 2M", "Karras")


def test_recipes_from_web_pages_lack_spaces():
    recipe = infotext.read("a\nSteps:30,Sampler:DDIM,CFGscale:10,Seed:1039378680,Size:300x400,Clipskip:2")
    assert (recipe.steps, recipe.cfg_scale, recipe.width, recipe.height, recipe.clip_skip) == (30, 10, 296, 400, 2)


def test_a_wrong_value_keeps_its_default():
    assert infotext.read("a\nSteps: many, Sampler: Euler, Seed: 4").steps == 20


def test_what_is_done_to_a_picture_is_written_only_when_there_is_one():
    plain = GenerationRequest(prompt="a cat")
    changed = GenerationRequest(prompt="a cat", init=InitImage(image=b"...", denoising_strength=0.5))
    assert "Denoising strength" not in infotext.write(plain, {})
    assert "Denoising strength: 0.5" in infotext.write(changed, {})
