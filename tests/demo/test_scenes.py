"""Scenes show what they say, and training sees every one of them that is not held out."""

import colorsys
from dataclasses import replace

import numpy as np
import pytest

from sdui.demo.concepts import BACKGROUNDS, PALETTE, STYLES, TINTS, colour
from sdui.demo.scenes import NATIVE, SHARES, Scene, Stage, Thing, training_scenes
from tests.support.demo_data import painted_sprites

CAT = Thing("cat")


@pytest.fixture(scope="module")
def stage():
    return Stage(painted_sprites())


def opacity(stage, scene):
    """[H,W]: where two backgrounds do not show."""
    red, blue = (stage.show(replace(scene, background=name))[..., 0] for name in ("red", "blue"))
    return 1 - (red - blue) / (colour("red")[0] - colour("blue")[0])


def objects_pixels(stage, scene):
    return stage.show(scene)[opacity(stage, scene) > 0.99]


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_background_is_all_around(stage, background):
    picture = stage.show(Scene((CAT,), background=background))
    border = np.concatenate([picture[:4].reshape(-1, 3), picture[-4:].reshape(-1, 3)])
    assert np.allclose(border, colour(background), atol=1e-6)
    assert picture.shape == (NATIVE, NATIVE, 3)


def test_the_same_scene_is_always_the_same_picture_and_placing_moves_it(stage):
    middle, moved = Scene((CAT,)), Scene((CAT,), placing=5)
    assert np.array_equal(stage.show(middle), stage.show(middle))
    assert not np.array_equal(stage.show(middle), stage.show(moved))


@pytest.mark.parametrize("tint", [tint for tint in TINTS if tint != "black"])
@pytest.mark.parametrize("name", ["apple", "car", "ghost"])
def test_a_tint_is_the_colour_of_most_of_the_thing_however_dark_it_is(stage, name, tint):
    pixels = objects_pixels(stage, Scene((Thing(name, tint),)))
    wanted = colorsys.rgb_to_hsv(*colour(tint))
    red, green, blue = np.median(pixels, 0)
    hue, _, value = colorsys.rgb_to_hsv(red, green, blue)
    assert min(abs(hue - wanted[0]), 1 - abs(hue - wanted[0])) < 0.08
    assert value > 0.5


def test_a_black_thing_is_dark(stage):
    assert objects_pixels(stage, Scene((Thing("ghost", "black"),))).mean() < 0.3


def test_an_icon_is_of_one_colour_and_white_on_black(stage):
    assert np.allclose(objects_pixels(stage, Scene((CAT,), "icon", "black")), 1, atol=0.02)
    assert np.allclose(objects_pixels(stage, Scene((Thing("cat", "red"),), "icon")), colour("red"), atol=0.02)


def test_two_things_are_side_by_side(stage):
    shown = opacity(stage, Scene((CAT, Thing("dog"))))
    assert shown[:, :60].max() > 0.99
    assert shown[:, 68:].max() > 0.99
    assert shown[:, 62:66].max() < 0.01


def test_training_has_every_object_in_every_style_on_every_background():
    scenes = training_scenes(2)
    shown = {(scene.things[0].name, scene.style, scene.background) for scene in scenes if len(scene.things) == 1}
    assert shown >= {(name, style, back) for name in ("apple", "banana") for style in STYLES for back in PALETTE}
    assert len(scenes) == len(set(scenes))


def test_an_eighth_of_the_combinations_is_held_out_and_nothing_plain():
    scenes = training_scenes(24)
    held = [scene for scene in scenes if scene.held_out]
    assert not [scene for scene in held if scene.kind == "plain"]
    combined = [scene for scene in scenes if scene.kind in ("background", "tint", "both")]
    assert 0.08 < len(held) / len(combined) < 0.16


def test_a_scene_is_held_out_wherever_it_is_placed():
    scenes = [Scene((Thing("cat", tint),), placing=placing) for tint in TINTS for placing in (0, 7)]
    assert all(one.held_out == other.held_out for one, other in zip(scenes[::2], scenes[1::2], strict=True))


def test_every_kind_of_scene_is_there_and_the_shares_are_all_of_it():
    assert {scene.kind for scene in training_scenes(2)} == set(SHARES)
    assert sum(SHARES.values()) == pytest.approx(1)
