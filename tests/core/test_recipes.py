"""Recipes that lost their form on the way are understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core import infotext

GUIDE = """((best quality ,masterpiece, highres)),Illustration
Negative prompt: (low quality, worst quality:1.4),(bad-artist:0.7)
Steps: 30, Sampler: DDIM, CFG scale: 10, Seed: 1039378680, Size: 304x400, Clip skip: 2, ENSD: 31337"""
AS_COPIED = {
    "as written": GUIDE,
    "one line": " ".join(GUIDE.split("\n")),
    "lost spaces": GUIDE.replace("CFG scale", "CFGscale").replace("Clip skip", "Clipskip").replace(", ", ","),
    "full width": GUIDE.replace("Steps: 30, ", "Steps：30，").replace("Seed: ", "Seed：").replace("304x", "304×"),
    "no commas": GUIDE.replace(", Sampler", " Sampler").replace(", CFG", " CFG").replace(", Seed", " Seed"),
    "a pair a line": GUIDE.replace(", Sampler", "\nSampler").replace(", CFG", "\nCFG").replace(", Seed", "\nSeed"),
    "negative without space": GUIDE.replace("Negative prompt: ", "Negativeprompt:"),
}


@pytest.mark.parametrize("text", AS_COPIED.values(), ids=AS_COPIED.keys())
def test_a_recipe_is_read_however_it_was_copied(text):
    request = infotext.read(text)
    assert "".join(request.prompt.split()) == "((bestquality,masterpiece,highres)),Illustration"
    assert "".join(request.negative_prompt.split()) == "(lowquality,worstquality:1.4),(bad-artist:0.7)"
    assert (request.steps, request.sampler, request.cfg_scale, request.seed) == (30, "DDIM", 10, 1039378680)
    assert (request.width, request.height, request.clip_skip) == (304, 400, 2)


def test_what_cannot_be_used_is_said():
    text = (
        "a cat\nSteps: 20, Sampler: Euler a, Seed: -5, CFG scale: abc, Size: 300x400, ADetailer model: m, Version: v1"
    )
    assert infotext.unread(text) == [
        "Seed: -5 is not valid here and was left out.",
        "CFG scale: abc is not valid here and was left out.",
        "Size: 300x400 became 296x400.",
        "This version of sdui does not use: ADetailer model.",
    ]


def test_our_own_text_leaves_nothing_to_say():
    text = "a cat\nSteps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Seed: 1, Size: 64x64, Version: x"
    assert infotext.unread(text) == []


@given(
    st.lists(st.sampled_from(["Steps: 3", "steps：", "Negative prompt:", ", ", "\n", "Seed: 1", "a", "，", "Size: 1"]))
)
def test_no_mixture_raises(parts):
    infotext.unread("".join(parts))
