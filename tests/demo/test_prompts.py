"""The prompts of the measurement: always the same, balanced, and half of them of what training never saw."""

import subprocess
import sys
from collections import Counter

import pytest

from sdui.demo.concepts import BACKGROUNDS, CONCEPTS, FEW, STYLES, TINTS
from sdui.demo.prompts import cases, limits


@pytest.fixture(scope="module")
def kinds():
    groups = {}
    for case in cases():
        groups.setdefault(case.scene.kind, []).append(case)
    return groups


def test_there_are_four_hundred_with_seeds_of_their_own():
    assert [case.seed for case in cases()] == list(range(400))
    assert len({case.scene for case in cases()}) == 400


def test_kinds(kinds):
    assert {kind: len(some) for kind, some in kinds.items()} == {"plain": 144, "background": 96, "tint": 96, "both": 64}


def test_every_object_is_asked_for_in_every_style_and_with_other_backgrounds_and_colours(kinds):
    names = {concept.name for concept in CONCEPTS[:FEW]}
    assert {(case.name, case.scene.style) for case in kinds["plain"]} == {(n, s) for n in names for s in STYLES}
    for kind in ("background", "tint"):
        assert set(Counter(case.name for case in kinds[kind]).values()) <= {1, 2, 3}
        assert {case.name for case in kinds[kind]} == names


@pytest.mark.parametrize("kind", ["background", "tint", "both"])
def test_styles_and_colours_are_about_as_frequent(kinds, kind):
    scenes = [case.scene for case in kinds[kind]]
    facets = {"style": (STYLES, [scene.style for scene in scenes])}
    if kind != "tint":
        facets["background"] = (BACKGROUNDS[1:], [scene.background for scene in scenes])
    if kind != "background":
        facets["tint"] = (TINTS, [scene.things[0].tint for scene in scenes])
    for values, found in facets.values():
        fair = len(scenes) / len(values)
        counts = Counter(found)
        assert all(0.6 * fair < counts[value] < 1.5 * fair for value in values)


@pytest.mark.parametrize("kind", ["background", "tint", "both"])
def test_half_are_combinations_that_training_never_sees(kinds, kind):
    held_out = sum(case.scene.held_out for case in kinds[kind])
    assert held_out == len(kinds[kind]) / 2


def test_prompts_are_plain(kinds):
    assert kinds["plain"][0].prompt == "an apple"
    assert all("background" in case.prompt for case in kinds["both"])


def test_limits_are_small():
    assert all(8 <= len(some) <= 24 for some in limits().values())


def test_what_a_limit_is_compared_with_is_drawn_anyway():
    known, some = set(cases()), limits()
    compared = [*some["guidance"], *some["not colour"], *some["not style"], *some["not background"]]
    assert {case.usual for case in compared} <= known


def test_the_same_in_another_process():
    code = "from sdui.demo.prompts import *; print(repr((cases(), limits())))"
    environment = {"PYTHONHASHSEED": "5"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True)
    assert run.stdout.strip() == repr((cases(), limits()))
